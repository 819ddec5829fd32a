import type { StartTexts } from "../../../client/src/generated/texts.ts";
import { Texts, type Written } from "../../../client/src/i18n/texts.ts";

export const START = new Texts<StartTexts>(
  import.meta.glob<Written>("../../../server/idcontact/texts/*.json", { eager: true, import: "widget" }),
);
