import { type Language, languageTag } from "./language.ts";
import { SHARED } from "./shared.ts";

/** The time of day, as 14:05. */
export function clockTime(at: number, language: Language): string {
  return new Intl.DateTimeFormat(languageTag(language), { hour: "2-digit", minute: "2-digit" }).format(at);
}

/** A span of time as a running clock: 0:07, 12:30, 1:02:03. Negative spans count as none. */
export function runningTime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"));
  const hours = Math.floor(seconds / 3600);
  return hours > 0 ? [hours, ...parts].join(":") : parts.join(":").replace(/^0/, "");
}

/** How long ago, in words: "12 minuten geleden"; under a minute "zojuist". */
export function timeAgo(ms: number, language: Language): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return SHARED.in(language).justNow;
  const format = new Intl.RelativeTimeFormat(languageTag(language));
  return minutes < 60 ? format.format(-minutes, "minute") : format.format(-Math.floor(minutes / 60), "hour");
}

/** For `datetime` of a `<time>`. */
export function machineTime(at: number): string {
  return new Date(at).toISOString();
}
