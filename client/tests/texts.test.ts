import { describe, expect, it } from "vitest";
import { Texts, wordFor } from "../src/i18n/texts.ts";

interface Part {
  plain: string;
  one: (name: string) => string;
  two: (values: { from: number; to: number }) => string;
  counted: (count: number) => string;
  list: readonly string[];
  nested: { other: string; more: string };
}

const PART = {
  plain: "Dag",
  one: "{name} helpt u, {name}!",
  two: "{from} van {to}",
  counted: { one: "1 teken", other: "{count} tekens" },
  list: ["a", "b"],
  nested: { other: "Anders", more: "Meer" },
};

function texts(files: Record<string, typeof PART> = { "../texts/nl.json": PART }): Texts<Part> {
  return new Texts<Part>(files);
}

describe("texts from a file", () => {
  const nl = texts().in("nl");

  it("are said with what belongs in their places", () => {
    expect([nl.plain, nl.one("Ann"), nl.two({ from: 1, to: 2 })]).toEqual(["Dag", "Ann helpt u, Ann!", "1 van 2"]);
  });

  it("put a value in as it is, whatever it looks like", () => {
    expect(nl.one("{name} $& $1")).toBe("{name} $& $1 helpt u, {name} $& $1!");
  });

  it("have the form that belongs to a number", () => {
    expect([0, 1, 2].map((count) => nl.counted(count))).toEqual(["0 tekens", "1 teken", "2 tekens"]);
  });

  it("may be lists, and named beside one that is called other", () => {
    expect(nl.list).toEqual(["a", "b"]);
    expect(nl.nested.other).toBe("Anders");
  });

  it("are there in each language that there is a file for, and in no other", () => {
    const both = texts({ "x/nl.json": PART, "x/pl.json": { ...PART, plain: "Dzień dobry" } });
    expect(both.languages).toEqual(["nl", "pl"]);
    expect(both.in("pl").plain).toBe("Dzień dobry");
    expect(() => both.in("fy")).toThrow("fy");
  });

  it("have the forms of numbers that their own language has", () => {
    const counted = { one: "{count} znak", few: "{count} znaki", many: "{count} znaków", other: "{count} znaku" };
    const pl = new Texts<Part>({ "x/pl.json": { ...PART, counted } }).in("pl");
    expect([1, 3, 5].map((count) => pl.counted(count))).toEqual(["1 znak", "3 znaki", "5 znaków"]);
  });
});

describe("a word for a key that comes from elsewhere", () => {
  it("is the key itself where there is none", () => {
    expect([wordFor({ low: "Laag" }, "low"), wordFor({ low: "Laag" }, "toString")]).toEqual(["Laag", "toString"]);
  });
});
