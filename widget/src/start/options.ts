import type { Language } from "../../../client/src/i18n/language.ts";

/** A way to identify or to talk, as the core offers it. */
export interface Method {
  tag: string;
  name: string;
  /** Absolute; absent when the core names none. */
  image: string | undefined;
}

export interface Options {
  authMethods: readonly Method[];
  commMethods: readonly Method[];
}

/** Why there is nothing to choose from: nobody answers, the core does not know the purpose, or its answer makes no sense. */
export type Problem = "unreachable" | "unknown_purpose" | "unusable";

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

/**
 * Asks the core what can be chosen for a purpose.
 *
 * @param core base URL of the core, without a slash at its end
 * @throws OptionsUnavailable, or the reason of `signal` when that was aborted
 */
export async function fetchOptions(
  core: string,
  purpose: string,
  language: Language,
  signal: AbortSignal,
): Promise<Options> {
  const response = await answerOf(`${core}/session_options/${encodeURIComponent(purpose)}`, language, signal);
  if (response.status === 400 || response.status === 404) throw new OptionsUnavailable("unknown_purpose");
  if (!response.ok) throw new OptionsUnavailable("unreachable");
  const body: unknown = await response.json().catch(() => undefined);
  const options = optionsFrom(body, core);
  if (options === undefined) throw new OptionsUnavailable("unusable");
  return options;
}

async function answerOf(url: string, language: Language, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, {
      // Exactly this value: published cores answer everything else with a redirect.
      headers: { Accept: "application/json", "Accept-Language": language },
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new OptionsUnavailable("unreachable");
  }
}

/** The options in an answer; nothing when it is not one, or leaves nothing to choose. */
export function optionsFrom(body: unknown, core: string): Options | undefined {
  if (!isRecord(body)) return undefined;
  const authMethods = methodsFrom(body.auth_methods, core);
  const commMethods = methodsFrom(body.comm_methods, core);
  if (authMethods === undefined || commMethods === undefined) return undefined;
  return authMethods.length > 0 && commMethods.length > 0 ? { authMethods, commMethods } : undefined;
}

function methodsFrom(value: unknown, core: string): Method[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const methods = value.map((item) => methodFrom(item, core));
  return methods.every((method) => method !== undefined) ? methods : undefined;
}

function methodFrom(value: unknown, core: string): Method | undefined {
  if (!isRecord(value) || typeof value.tag !== "string" || typeof value.name !== "string") return undefined;
  return { tag: value.tag, name: value.name, image: imageFrom(value.image_path, core) };
}

function imageFrom(path: unknown, core: string): string | undefined {
  if (typeof path !== "string" || path === "" || !URL.canParse(path, `${core}/`)) return undefined;
  const { href, protocol } = new URL(path, `${core}/`);
  return protocol === "https:" || protocol === "http:" ? href : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
