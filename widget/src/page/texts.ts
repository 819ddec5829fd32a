import type { PageTexts } from "../../../client/src/generated/texts.ts";
import { Texts, type Written } from "../../../client/src/i18n/texts.ts";

export const PAGE = new Texts<PageTexts>(
  import.meta.glob<Written>("../../../server/idcontact/texts/*.json", { eager: true, import: "page" }),
);
