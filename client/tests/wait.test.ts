import { describe, expect, it } from "vitest";
import { waitInWords } from "../src/i18n/wait.ts";

describe("how long somebody will wait", () => {
  it.each([
    [0, "U wordt waarschijnlijk binnen een minuut geholpen.", "You will probably be helped within a minute."],
    [60, "U wordt waarschijnlijk binnen een minuut geholpen.", "You will probably be helped within a minute."],
    [61, "U wacht waarschijnlijk ongeveer 2 minuten.", "You will probably wait about 2 minutes."],
    [240, "U wacht waarschijnlijk ongeveer 4 minuten.", "You will probably wait about 4 minutes."],
    [601, "U wacht waarschijnlijk ongeveer 15 minuten.", "You will probably wait about 15 minutes."],
    [3600, "U wacht waarschijnlijk ongeveer 60 minuten.", "You will probably wait about 60 minutes."],
    [3601, "U wacht waarschijnlijk langer dan een uur.", "You will probably wait longer than an hour."],
  ])("of %i seconds is rounded up to what says something: %s", (seconds, nl, en) => {
    expect([waitInWords(seconds, "nl"), waitInWords(seconds, "en")]).toEqual([nl, en]);
  });
});
