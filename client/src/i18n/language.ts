/** The tag of a language that there are texts in: `nl`. Which ones there are follows from the files of texts. */
export type Language = string;

/** What is spoken where nobody asks for a language of ours. */
export const FIRST_LANGUAGE: Language = "nl";

/** The language of an element: its own `lang`, else that of the page around it; the first one where neither is ours. */
export function languageOf(element: HTMLElement, languages: readonly Language[]): Language {
  const around = element.parentElement?.closest("[lang]")?.getAttribute("lang");
  for (const tag of [element.getAttribute("lang"), around, document.documentElement.lang]) {
    const primary = tag?.trim().toLowerCase().split("-")[0];
    if (primary !== undefined && languages.includes(primary)) return primary;
  }
  return FIRST_LANGUAGE;
}

/** For `Intl`: English is written as in Britain, with the day before the month and 24 hours. */
export function languageTag(language: Language): string {
  return language === "en" ? "en-GB" : language;
}
