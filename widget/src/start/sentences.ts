import type { StartTexts } from "../../../client/src/generated/texts.ts";
import { type Language, languageTag } from "../../../client/src/i18n/language.ts";
import { authMethodOf, type Choice, commMethodOf, talksLater, UNAUTHENTICATED } from "./choice.ts";
import type { Options } from "./options.ts";

/** Languages that write a noun with a capital wherever it stands. */
const CAPITALS: ReadonlySet<Language> = new Set(["de", "lb"]);

/** What the person will share and for what, before they identify; nothing where the core does not say it. */
export function sharedInWords(choice: Choice, texts: StartTexts, language: Language): string | undefined {
  if (choice.auth === UNAUTHENTICATED) return texts.sharesNothing;
  const { attributes, name } = choice.options;
  if (attributes.length === 0) return undefined;
  const list = new Intl.ListFormat(languageTag(language), { type: "conjunction" });
  const shared = texts.shares(list.format(attributes.map((attribute) => inSentence(attribute, language))));
  return name === undefined ? shared : `${shared} ${texts.sharesFor(inSentence(name, language))}`;
}

/** What will happen after "start", one sentence a step. */
export function whatHappens(choice: Choice, texts: StartTexts): readonly string[] {
  const auth = authMethodOf(choice);
  const comm = commMethodOf(choice);
  const first = auth === undefined ? [] : [texts.authFirst(auth.name)];
  if (talksLater(choice)) return [...first, texts.thenChoose, texts.helped];
  const name = comm?.name ?? "";
  if (comm?.availability === undefined) {
    return [...first, auth === undefined ? texts.commAtOnce(name) : texts.thenComm(name)];
  }
  return auth === undefined
    ? [texts.queueAtOnce, texts.helpedUnverified(name)]
    : [...first, texts.thenQueue, texts.helpedVerified(name)];
}

/** The line under a method's name. */
export function described(options: Options, tag: string, texts: StartTexts): string | undefined {
  if (tag === UNAUTHENTICATED) return texts.unauthenticatedMeans;
  return [...options.authMethods, ...options.commMethods].find((method) => method.tag === tag)?.description;
}

/** A name as it stands within a sentence: "naam", but "BSN". */
function inSentence(name: string, language: Language): string {
  const isAbbreviation = /^\p{Lu}[\p{Lu}\d]/u.test(name);
  if (isAbbreviation || CAPITALS.has(language)) return name;
  return name.charAt(0).toLocaleLowerCase(languageTag(language)) + name.slice(1);
}
