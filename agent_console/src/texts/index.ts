import type { InEachLanguage } from "../../../client/src/i18n/language.ts";
import type { ConsoleTexts } from "./console_texts.ts";
import { en } from "./en.ts";
import { nl } from "./nl.ts";

export const CONSOLE: InEachLanguage<ConsoleTexts> = { nl, en };
export type { ConsoleTexts };
