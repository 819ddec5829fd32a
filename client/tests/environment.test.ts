import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { browserEnvironment } from "../src/environment.ts";

let returns: boolean[];
let stop: () => void;

function isShown(shown: boolean): void {
  vi.spyOn(document, "visibilityState", "get").mockReturnValue(shown ? "visible" : "hidden");
}

/** The device sleeps: no timer fires, and then the clock is later. */
function sleeps(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
  vi.advanceTimersByTime(5_000);
}

beforeEach(() => {
  vi.useFakeTimers();
  isShown(true);
  returns = [];
  stop = browserEnvironment().onReturn((clockMoved) => void returns.push(clockMoved));
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

describe("a return", () => {
  it.each(["online", "pageshow"])("is %s", (kind) => {
    dispatchEvent(new Event(kind));
    expect(returns).toEqual([false]);
  });

  it("is a page that was frozen and goes on", () => {
    document.dispatchEvent(new Event("resume"));
    expect(returns).toEqual([false]);
  });

  it("is a page that is shown again, not one that is hidden", () => {
    document.dispatchEvent(new Event("visibilitychange"));
    expect(returns).toEqual([false]);
    isShown(false);
    document.dispatchEvent(new Event("visibilitychange"));
    expect(returns).toEqual([false]);
  });

  it("is a device that wakes with the page in view", () => {
    vi.advanceTimersByTime(600_000);
    expect(returns).toEqual([]);
    sleeps(60_000);
    expect(returns).toEqual([true]);
    vi.advanceTimersByTime(600_000);
    expect(returns).toEqual([true]);
  });

  it("is not a hidden page whose timers come once a minute", () => {
    isShown(false);
    sleeps(60_000);
    expect(returns).toEqual([]);
    sleeps(3_600_000);
    expect(returns).toEqual([true]);
  });

  it("is a clock that is set back, once", () => {
    sleeps(-3_600_000);
    vi.advanceTimersByTime(600_000);
    expect(returns).toEqual([true]);
  });

  it("is nothing any more to who has stopped listening", () => {
    stop();
    for (const kind of ["online", "pageshow"]) dispatchEvent(new Event(kind));
    for (const kind of ["visibilitychange", "resume"]) document.dispatchEvent(new Event(kind));
    sleeps(3_600_000);
    expect(returns).toEqual([]);
  });
});
