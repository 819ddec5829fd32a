export type Language = "nl" | "en";

/** A whole set of texts in each language. Types make sure that no key is missing in either. */
export type InEachLanguage<Texts> = Readonly<Record<Language, Texts>>;

/** The language of an element: its own `lang`, else that of the page around it; Dutch where neither is one of ours. */
export function languageOf(element: HTMLElement): Language {
  const around = element.parentElement?.closest("[lang]")?.getAttribute("lang");
  for (const tag of [element.getAttribute("lang"), around, document.documentElement.lang]) {
    const primary = tag?.trim().toLowerCase().split("-")[0];
    if (primary === "nl" || primary === "en") return primary;
  }
  return "nl";
}
