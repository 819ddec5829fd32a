import type { PublicEvent } from "../conversation_log.ts";
import type { MessageEvent } from "../generated/messages.ts";
import { clockTime } from "./format.ts";
import type { Language } from "./language.ts";

/** How one participant's page words what happened. */
export interface EventTexts {
  queued: string;
  queuedAgain: string;
  identified: (method: string) => string;
  notIdentified: string;
  unverified: string;
  joined: (name: string) => string;
  left: (name: string) => string;
  stillThere: (until: string) => string;
  maybeLost: string;
  ended: string;
}

export type Happening = Exclude<PublicEvent, MessageEvent>;

/** The event in words; undefined for a kind that this page does not know yet. */
export function wordsFor(event: Happening, texts: EventTexts, language: Language): string | undefined {
  switch (event.type) {
    case "queued":
      return event.again === true ? texts.queuedAgain : texts.queued;
    case "identified":
      return texts.identified(event.method_label);
    case "not_identified":
      return texts.notIdentified;
    case "unverified":
      return texts.unverified;
    case "joined":
      return texts.joined(event.name);
    case "left":
      return texts.left(event.name);
    case "still_there":
      return texts.stillThere(clockTime(event.until, language));
    case "maybe_lost":
      return texts.maybeLost;
    case "ended":
      return texts.ended;
    default:
      return unknown(event);
  }
}

/** Does not compile when a kind of event is forgotten above. */
function unknown(_event: never): undefined {
  return undefined;
}
