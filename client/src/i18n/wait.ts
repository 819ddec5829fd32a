import type { WaitTexts } from "../generated/texts.ts";
import type { Language } from "./language.ts";
import { Texts, type Written } from "./texts.ts";

const WAIT = new Texts<WaitTexts>(
  import.meta.glob<Written>("../../../server/idcontact/texts/*.json", { eager: true, import: "wait" }),
);

/** How long somebody will wait, rounded up: promised is no less than what was reckoned. */
export function waitInWords(seconds: number, language: Language): string {
  const texts = WAIT.in(language);
  const minutes = Math.ceil(seconds / 60);
  if (minutes <= 1) return texts.soon;
  if (minutes > 60) return texts.long;
  // Whoever hears that it is 23 minutes, and then 24, learns nothing and is disturbed.
  return texts.about(minutes > 10 ? Math.ceil(minutes / 5) * 5 : minutes);
}
