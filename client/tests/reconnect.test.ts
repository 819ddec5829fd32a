import { describe, expect, it } from "vitest";
import { CloseCode, verdictOn } from "../src/reconnect.ts";

function wait(code: number, failures: number, random: number): number {
  const verdict = verdictOn(code, failures, random);
  if (verdict.kind === "stop") throw new Error("expected another try");
  return verdict.afterMs;
}

describe("coming back", () => {
  it.each([CloseCode.restarting, CloseCode.tooSlow])(
    "is soon after %i, and not for all pages at one moment",
    (code) => {
      expect(wait(code, 0, 0)).toBeLessThan(200);
      expect(wait(code, 0, 0.99)).toBeGreaterThan(wait(code, 0, 0) + 1000);
      expect(wait(code, 0, 0.99)).toBeLessThanOrEqual(1500);
    },
  );

  it.each([0, 1, 5, 20])("is not for all pages at one moment after %i losses either", (failures) => {
    const [soonest, latest] = [wait(1006, failures, 0), wait(1006, failures, 0.999)];
    expect(soonest).toBeGreaterThan(0);
    expect(latest).toBeGreaterThan(1.5 * soonest);
  });

  it("slows down when the server keeps restarting", () => {
    expect(wait(CloseCode.restarting, 5, 0.5)).toBeGreaterThan(5_000);
  });

  it("leaves a server alone that says it is too much", () => {
    expect(wait(CloseCode.rateLimited, 0, 0)).toBeGreaterThanOrEqual(10_000);
  });

  it("never takes longer than 15 s after a mere loss", () => {
    expect(wait(1006, 1000, 0.999)).toBeLessThanOrEqual(15_000);
  });
});
