import { beforeEach, describe, expect, it } from "vitest";
import { Ways } from "../src/ways.ts";
import { FakeEnvironment } from "./fake_environment.ts";

let environment: FakeEnvironment;
let ways: Ways;

/** What comes of each try in turn: the ways that were taken. */
function takes(...outcomes: ("works" | "fails" | "hangs")[]): string[] {
  return outcomes.map((outcome) => {
    const way = ways.next();
    if (outcome === "works") ways.worked();
    else ways.missed(outcome === "hangs");
    return way;
  });
}

beforeEach(() => {
  environment = new FakeEnvironment();
  ways = new Ways(environment.storage);
});

describe("which way to go", () => {
  it("is a WebSocket as long as those work", () => {
    expect(takes("works", "fails", "works", "fails")).toEqual(["socket", "socket", "socket", "socket"]);
  });

  it("is a stream after two failures, or one that took too long", () => {
    expect(takes("fails", "fails", "works")).toEqual(["socket", "socket", "stream"]);
    ways = new Ways(undefined);
    expect(takes("hangs", "works")).toEqual(["socket", "stream"]);
  });

  it("is each in turn while neither works", () => {
    expect(takes("fails", "fails", "fails", "fails", "fails")).toEqual([
      "socket",
      "socket",
      "stream",
      "socket",
      "stream",
    ]);
  });

  it("is the stream for the rest of a page that never had a WebSocket", () => {
    takes("fails", "fails");
    expect(takes("works", "works", "fails", "fails", "works")).toEqual([
      "stream",
      "stream",
      "stream",
      "socket",
      "stream",
    ]);
  });

  it("is a WebSocket again for a page that had one, and then moved through a place without", () => {
    takes("works");
    expect(takes("fails", "fails", "fails", "fails", "fails", "works")).toEqual([
      ...Array<string>(5).fill("socket"),
      "stream",
    ]);
    expect(takes("fails", "works", "works")).toEqual(["socket", "stream", "socket"]);
  });

  it("does not change by a loss after it had worked", () => {
    ways.next();
    ways.worked();
    for (let loss = 0; loss < 10; loss += 1) ways.missed(true);
    expect(ways.next()).toBe("socket");
  });

  it("is a WebSocket first on the next load, and no longer than one try where those were blocked", () => {
    takes("fails", "fails", "works");
    ways = new Ways(environment.storage);
    expect(takes("fails", "works")).toEqual(["socket", "stream"]);
    ways = new Ways(environment.storage);
    expect(takes("works")).toEqual(["socket"]);
    ways = new Ways(environment.storage);
    expect(takes("fails", "fails", "works")).toEqual(["socket", "socket", "stream"]);
  });
});
