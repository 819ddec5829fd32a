import type { InEachLanguage } from "../../../../client/src/i18n/language.ts";
import { en } from "./en.ts";
import { nl } from "./nl.ts";
import type { PageTexts } from "./page_texts.ts";

export const PAGE: InEachLanguage<PageTexts> = { nl, en };
export type { PageTexts };
