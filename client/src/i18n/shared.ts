import type { SharedTexts } from "../generated/texts.ts";
import { Texts, type Written } from "./texts.ts";

export const SHARED = new Texts<SharedTexts>(
  import.meta.glob<Written>("../../../server/idcontact/texts/*.json", { eager: true, import: "shared" }),
);
