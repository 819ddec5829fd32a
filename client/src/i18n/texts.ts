import { languageTag } from "./language.ts";

/** A text as its file has it: words, words with `{places}`, a list, the forms of a number, or more of them by name. */
export type Written = string | readonly Written[] | { readonly [key: string]: Written };

const PLURAL_FORMS: ReadonlySet<string> = new Set(["zero", "one", "two", "few", "many", "other"]);

/**
 * One part of what the product says, in every language that there is a file for.
 *
 * `files` are those of `server/idcontact/texts/`, by path. The generated type that a part is read as follows from
 * `nl.json`; `make lint` holds every file to that shape.
 */
export class Texts<Part> {
  readonly languages: readonly string[];
  readonly #parts: ReadonlyMap<string, Part>;

  constructor(files: Record<string, Written>) {
    const parts = Object.entries(files).map(([path, part]) => {
      const language = path.slice(path.lastIndexOf("/") + 1, -".json".length);
      return [language, spoken(part, language) as Part] as const;
    });
    this.#parts = new Map(parts);
    this.languages = parts.map(([language]) => language);
  }

  /** @throws Error for a language there is no file for; `languageOf` gives none of those. */
  in(language: string): Part {
    const part = this.#parts.get(language);
    if (part === undefined) throw new Error(`no texts in language ${language}`);
    return part;
  }
}

/** What can be said with it: words stay words, words with one `{place}` take a value, with more an object by name. */
function spoken(written: Written, language: string): unknown {
  if (typeof written === "string") return written.includes("{") ? (value: unknown) => filled(written, value) : written;
  if (Array.isArray(written)) return written.map((one) => spoken(one, language));
  const entries = Object.entries(written);
  if (!entries.every(([key]) => PLURAL_FORMS.has(key))) {
    return Object.fromEntries(entries.map(([key, one]) => [key, spoken(one, language)]));
  }
  const forms = new Map(entries);
  const rules = new Intl.PluralRules(languageTag(language));
  return (count: number) => filled(String(forms.get(rules.select(count)) ?? forms.get("other")), count);
}

function filled(template: string, value: unknown): string {
  const values = isRecord(value) ? value : undefined;
  return template.replace(/\{(\w+)\}/g, (_, name: string) => String(values === undefined ? value : values[name]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** The word for a key that comes from elsewhere; the key itself where there is none. */
export function wordFor(words: Readonly<Record<string, string>>, key: string): string {
  return Object.hasOwn(words, key) ? (words[key] ?? key) : key;
}
