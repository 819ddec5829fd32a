/** A piece of a message: plain text, or a link that may be followed. */
export type Piece = { text: string; href?: undefined } | { text: string; href: string };

const CANDIDATE = /https?:\/\/[^\s<>"]+/gi;
/** Mostly of the sentence, not of the address. */
const TRAILING = /[.,;:!?'”’»\]]+$/u;

/**
 * Splits a message into text and links. The visible text is always exactly what was typed; only absolute http and https
 * addresses become links, and none with a user name in it (`https://digid.nl@elsewhere.example` leads elsewhere).
 */
export function piecesOf(message: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of message.matchAll(CANDIDATE)) {
    const text = trimmed(match[0]);
    const href = safeHref(text);
    if (href === undefined) continue;
    if (match.index > end) pieces.push({ text: message.slice(end, match.index) });
    pieces.push({ text, href });
    end = match.index + text.length;
  }
  if (end < message.length) pieces.push({ text: message.slice(end) });
  return pieces;
}

/** Without punctuation at the end, and without a closing bracket that was opened before the address. */
function trimmed(candidate: string): string {
  const text = candidate.replace(TRAILING, "");
  const unopened = text.endsWith(")") && text.split(")").length > text.split("(").length;
  return unopened ? trimmed(text.slice(0, -1)) : text;
}

function safeHref(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, username, password, href } = new URL(text);
  const web = protocol === "http:" || protocol === "https:";
  return web && username === "" && password === "" ? href : undefined;
}
