/** When to come back after a socket has closed, and when not to. Pure rules: no clock, no socket. */

/** Why a page gives up: logged out, not allowed here, over and deleted, opened elsewhere, or too old for the server. */
export type StopReason = "not_authenticated" | "not_allowed" | "gone" | "replaced" | "outdated";

export type Verdict = { kind: "stop"; reason: StopReason } | { kind: "again"; afterMs: number };

/** Close codes of `idcontact.live.v1`; 1012 is of RFC 6455's registry. */
export const CloseCode = {
  restarting: 1012,
  badProtocol: 4400,
  notAuthenticated: 4401,
  notAllowed: 4403,
  gone: 4404,
  tooSlow: 4408,
  replaced: 4409,
  rateLimited: 4429,
} as const;

const STOPS: ReadonlyMap<number, StopReason> = new Map([
  [CloseCode.badProtocol, "outdated"],
  [CloseCode.notAuthenticated, "not_authenticated"],
  [CloseCode.notAllowed, "not_allowed"],
  [CloseCode.gone, "gone"],
  [CloseCode.replaced, "replaced"],
]);

/** Codes with which no proxy closes a connection: the server itself was there. 1001, 1011 and 1013 are of RFC 6455. */
export function isOfServer(code: number): boolean {
  return code >= 4000 || [1001, 1011, CloseCode.restarting, 1013].includes(code);
}

const FIRST_MS = 500;
const LONGEST_MS = 15_000;
const RATE_LIMITED_MS = 10_000;

/**
 * What to do after a close.
 *
 * @param code close code; 1006 where there was none
 * @param failures how many tries in a row did not get as far as a welcome; 0 after a good connection
 * @param random 0 ≤ value < 1; spreads the pages of one server, so that they do not all come back at once
 */
export function verdictOn(code: number, failures: number, random: number): Verdict {
  const reason = STOPS.get(code);
  if (reason !== undefined) return { kind: "stop", reason };
  const resumable = code === CloseCode.restarting || code === CloseCode.tooSlow;
  if (resumable && failures === 0) return { kind: "again", afterMs: Math.round(100 + 1400 * random) };
  const growing = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
  const spread = growing * (0.5 + 0.5 * random);
  return { kind: "again", afterMs: Math.round(code === CloseCode.rateLimited ? RATE_LIMITED_MS + spread : spread) };
}
