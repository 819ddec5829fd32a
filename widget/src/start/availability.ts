import type { StartTexts } from "../../../client/src/generated/texts.ts";
import { type Language, languageTag } from "../../../client/src/i18n/language.ts";
import { waitInWords } from "../../../client/src/i18n/wait.ts";

/** Whether somebody is there for a purpose. What the core does not know is absent. */
export interface Availability {
  open: boolean;
  /** When it opens again, or closes: RFC 3339, on the clock of the place it is about. */
  until: string | undefined;
  agents: number | undefined;
  /** Seconds. */
  expectedWait: number | undefined;
}

/** What an answer says of it; nothing when it says nothing that makes sense. */
export function availabilityFrom(value: unknown): Availability | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { open, until, agents, expected_wait } = value as Record<string, unknown>;
  if (typeof open !== "boolean") return undefined;
  return {
    open,
    until: typeof until === "string" && clockOf(until) !== undefined ? until : undefined,
    agents: numberFrom(agents),
    expectedWait: numberFrom(expected_wait),
  };
}

function numberFrom(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 ? value : undefined;
}

export function isClosed(availability: Availability | undefined): boolean {
  return availability?.open === false;
}

/** What to say of it; nothing where nothing more is known than that it is open. */
export function availabilityInWords(
  { open, until, agents, expectedWait }: Availability,
  texts: StartTexts,
  language: Language,
  now: number,
): string | undefined {
  if (!open) return until === undefined ? texts.closed : texts.closedUntil(momentInWords(until, texts, language, now));
  if (agents === 0) return texts.nobody;
  return expectedWait === undefined ? undefined : waitInWords(expectedWait, language);
}

/** A moment to come: today, tomorrow, the day of this week, or the date, on the clock of the place it is about. */
export function momentInWords(moment: string, texts: StartTexts, language: Language, now: number): string {
  const { wall = 0, offset = 0 } = clockOf(moment) ?? {};
  const days = dayOf(wall) - dayOf(now + offset);
  const time = texts.clock({
    hour: String(new Date(wall).getUTCHours()).padStart(2, "0"),
    minute: String(new Date(wall).getUTCMinutes()).padStart(2, "0"),
  });
  if (days === 0) return texts.today(time);
  if (days === 1) return texts.tomorrow(time);
  const date: Intl.DateTimeFormatOptions = days < 7 ? {} : { day: "numeric", month: "long" };
  const format = new Intl.DateTimeFormat(languageTag(language), { weekday: "long", ...date, timeZone: "UTC" });
  return texts.onDay({ day: format.format(wall), time });
}

/**
 * What a clock on the wall shows there at that moment, as if it were UTC, and how far it is ahead of UTC; both in ms.
 * So the hours are those on the door of the town hall, wherever the reader may be.
 */
function clockOf(moment: string): { wall: number; offset: number } | undefined {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?:Z|[+-]\d\d:\d\d)$/i.exec(moment);
  const [wall, at] = [Date.parse(`${parts?.[1]}Z`), Date.parse(moment)];
  return Number.isNaN(wall) || Number.isNaN(at) ? undefined : { wall, offset: wall - at };
}

function dayOf(ms: number): number {
  return Math.floor(ms / 86_400_000);
}
