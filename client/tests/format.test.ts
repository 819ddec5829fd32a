import { describe, expect, it } from "vitest";
import { runningTime, timeAgo } from "../src/i18n/format.ts";
import { languageOf } from "../src/i18n/language.ts";

describe("a running clock", () => {
  it.each([
    [0, "0:00"],
    [7_900, "0:07"],
    [754_000, "12:34"],
    [600_000, "10:00"],
    [3_723_000, "1:02:03"],
    [-5_000, "0:00"],
  ])("shows %i ms as %s", (ms, text) => {
    expect(runningTime(ms)).toBe(text);
  });
});

describe("how long ago", () => {
  it.each([
    [20_000, "zojuist", "just now"],
    [60_000, "1 minuut geleden", "1 minute ago"],
    [720_000, "12 minuten geleden", "12 minutes ago"],
    [7_500_000, "2 uur geleden", "2 hours ago"],
  ])("%i ms is said in both languages", (ms, nl, en) => {
    expect([timeAgo(ms, "nl"), timeAgo(ms, "en")]).toEqual([nl, en]);
  });
});

describe("the language", () => {
  function element(own: string | undefined, around: string | undefined): HTMLElement {
    const outer = document.createElement("div");
    const inner = document.createElement("p");
    if (around !== undefined) outer.lang = around;
    if (own !== undefined) inner.setAttribute("lang", own);
    outer.append(inner);
    return inner;
  }

  it.each([
    ["en", "nl", "en"],
    ["en-GB", undefined, "en"],
    [undefined, "EN", "en"],
    [undefined, undefined, "nl"],
    ["fy", "en", "en"],
    ["fy", undefined, "nl"],
  ])("of an element that says %s in a page that says %s is %s", (own, around, expected) => {
    expect(languageOf(element(own, around), ["nl", "en"])).toBe(expected);
  });
});
