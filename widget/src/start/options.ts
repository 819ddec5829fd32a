import type { Language } from "../../../client/src/i18n/language.ts";
import { type Availability, availabilityFrom } from "./availability.ts";
import { urlFrom } from "./core_url.ts";

/** A way to identify or to talk, as the core offers it. */
export interface Method {
  tag: string;
  name: string;
  /** Absolute; absent when the core names none. */
  image: string | undefined;
  /** One line of explanation, in the language that was asked for. */
  description: string | undefined;
  /** Whether anybody is there; absent where the core does not know. */
  availability: Availability | undefined;
}

/** What can be chosen for a purpose, and what it is about. */
export interface Options {
  /** What the purpose is called; absent when the core does not say. */
  name: string | undefined;
  /** What will be shared, by the names that people know. */
  attributes: readonly string[];
  /** Whether one may go on without identifying. */
  unauthenticated: boolean;
  authMethods: readonly Method[];
  commMethods: readonly Method[];
}

/**
 * Why there is nothing to choose from: nobody answers; the core answers that it cannot, or what makes no sense; it does
 * not know the purpose; it has no method for it.
 */
export type Problem = "unreachable" | "failing" | "unknown_purpose" | "no_methods";

/** Asking for the options did not give any. */
export class OptionsUnavailable extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`session options: ${problem}`);
    this.name = "OptionsUnavailable";
    this.problem = problem;
  }
}

const ANSWER_WITHIN_MS = 10_000;

/** What to ask, and of whom: `core` is its base URL, without a slash at its end. */
export interface Question {
  core: string;
  purpose: string;
  language: Language;
}

/**
 * Asks the core what can be chosen for a purpose.
 *
 * @throws OptionsUnavailable, or the reason of `signal` when that was aborted
 */
export async function fetchOptions({ core, purpose, language }: Question, signal: AbortSignal): Promise<Options> {
  if (purpose === "") throw new OptionsUnavailable("unknown_purpose");
  const answer = await answerOf(`${core}/session_options/${encodeURIComponent(purpose)}`, language, signal);
  if (answer.status === 400 || answer.status === 404) throw new OptionsUnavailable("unknown_purpose");
  const options = answer.status === 200 ? optionsFrom(jsonFrom(answer.text), core) : undefined;
  if (options === undefined) throw new OptionsUnavailable("failing");
  if (!isUsable(options)) throw new OptionsUnavailable("no_methods");
  return options;
}

/** The whole answer, or none within the time that it may take. */
async function answerOf(
  url: string,
  language: Language,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  // By hand: `AbortSignal.any` is too new for the phones that people have.
  const ended = new AbortController();
  const end = () => ended.abort();
  const limit = setTimeout(end, ANSWER_WITHIN_MS);
  signal.addEventListener("abort", end);
  try {
    const response = await fetch(url, {
      // Exactly this value: published cores answer everything else with a redirect.
      headers: { Accept: "application/json", "Accept-Language": language },
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: ended.signal,
    });
    return { status: response.status, text: await response.text() };
  } catch {
    throw signal.aborted ? signal.reason : new OptionsUnavailable("unreachable");
  } finally {
    clearTimeout(limit);
    signal.removeEventListener("abort", end);
  }
}

function jsonFrom(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isUsable({ authMethods, commMethods, unauthenticated }: Options): boolean {
  return commMethods.length > 0 && (authMethods.length > 0 || unauthenticated);
}

/** The options in an answer; nothing when it is not one. What it has besides is not looked at. */
export function optionsFrom(body: unknown, core: string): Options | undefined {
  if (!isRecord(body)) return undefined;
  const authMethods = listFrom(body.auth_methods, (item) => methodFrom(item, core));
  const commMethods = listFrom(body.comm_methods, (item) => methodFrom(item, core));
  if (authMethods === undefined || commMethods === undefined) return undefined;
  return {
    name: textFrom(body.name),
    attributes: listFrom(body.attributes, (item) => (isRecord(item) ? textFrom(item.name) : undefined)) ?? [],
    unauthenticated: body.unauthenticated === true,
    authMethods,
    commMethods,
  };
}

/** All items of a list; nothing when it is none, or when one of them makes no sense. */
function listFrom<Item>(value: unknown, read: (item: unknown) => Item | undefined): Item[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items = value.map(read);
  return items.every((item) => item !== undefined) ? items : undefined;
}

function methodFrom(value: unknown, core: string): Method | undefined {
  if (!isRecord(value) || typeof value.tag !== "string" || typeof value.name !== "string") return undefined;
  return {
    tag: value.tag,
    name: value.name,
    image: imageFrom(value.image_path, core),
    description: textFrom(value.description),
    availability: availabilityFrom(value.availability),
  };
}

function imageFrom(path: unknown, core: string): string | undefined {
  if (typeof path !== "string" || path === "") return undefined;
  const url = urlFrom(path, `${core}/`);
  return url?.protocol === "https:" || url?.protocol === "http:" ? url.href : undefined;
}

function textFrom(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
