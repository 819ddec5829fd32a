import type { ConsoleTexts } from "../../client/src/generated/texts.ts";
import { Texts, type Written } from "../../client/src/i18n/texts.ts";

export const CONSOLE = new Texts<ConsoleTexts>(
  import.meta.glob<Written>("../../server/idcontact/texts/*.json", { eager: true, import: "console" }),
);
