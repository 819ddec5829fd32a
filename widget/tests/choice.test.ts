import { describe, expect, it } from "vitest";
import {
  answered,
  choiceOf,
  chosen,
  commMethodOf,
  fieldsOf,
  isAllClosed,
  isLastStep,
  moved,
  stepOf,
  stepsOf,
  UNAUTHENTICATED,
  updated,
} from "../src/start/choice.ts";
import { closed, method, options, open as there } from "./offered.ts";

describe("what is asked", () => {
  it.each([
    [2, 2, ["auth", "comm"]],
    [2, 1, ["auth"]],
    [1, 2, ["comm"]],
    [1, 1, ["summary"]],
  ])("with %i ways to identify and %i ways to talk: %j", (auth, comm, steps) => {
    expect(stepsOf(choiceOf(options(auth, comm), false))).toEqual(steps);
  });

  it("a single way is chosen already", () => {
    expect(choiceOf(options(1, 2), false)).toMatchObject({ auth: "auth0", comm: undefined });
  });

  it("is not passed over without an answer, and can be gone back to with the answer kept", () => {
    const first = choiceOf(options(2, 2), false);
    expect(stepOf(moved(first, 1))).toBe("auth");
    const second = moved(chosen(first, "auth1"), 1);
    expect(stepOf(second)).toBe("comm");
    expect(isLastStep(second)).toBe(true);
    expect(answered(second)).toBe(false);
    expect(moved(second, -1)).toMatchObject({ at: 0, auth: "auth1" });
  });
});

describe("a purpose that one may go on with without identifying", () => {
  const free = { ...options(1, 2), unauthenticated: true };

  it("makes that a choice of its own, also beside a single method", () => {
    expect(stepsOf(choiceOf(free, false))).toEqual(["auth", "comm"]);
  });

  it("sends no method of identification when that was chosen", () => {
    const choice = moved(chosen(choiceOf(free, false), UNAUTHENTICATED), 1);
    expect(fieldsOf(chosen(choice, "comm1"))).toEqual({ comm_method: "comm1" });
  });

  it("asks nothing about it where there is no method", () => {
    const choice = choiceOf({ ...options(0, 1), unauthenticated: true }, false);
    expect(stepsOf(choice)).toEqual(["summary"]);
    expect(fieldsOf(choice)).toEqual({ comm_method: "comm0" });
  });
});

describe("identifying first", () => {
  it("leaves how to talk for afterwards", () => {
    const choice = chosen(choiceOf(options(2, 2), true), "auth0");
    expect(stepsOf(choice)).toEqual(["auth"]);
    expect(fieldsOf(choice)).toEqual({ auth_method: "auth0" });
  });

  it("makes no difference where there is one way to talk", () => {
    expect(fieldsOf(chosen(choiceOf(options(2, 1), true), "auth0"))).toEqual({
      auth_method: "auth0",
      comm_method: "comm0",
    });
  });

  it("still asks who does not identify how to talk", () => {
    const choice = chosen(choiceOf({ ...options(1, 2), unauthenticated: true }, true), UNAUTHENTICATED);
    expect(stepsOf(choice)).toEqual(["auth", "comm"]);
    expect(isLastStep(choice)).toBe(false);
  });
});

describe("news of who is there", () => {
  const before = { ...options(1, 0), commMethods: [method("chat", there), method("phone", there)] };

  it("changes nothing of what was chosen", () => {
    const choice = chosen(choiceOf(before, false), "chat");
    const later = updated(choice, { ...before, commMethods: [method("phone", there), method("chat", closed)] });
    expect(later.options.commMethods.map(({ tag }) => tag)).toEqual(["chat", "phone"]);
    expect(commMethodOf(later)).toMatchObject({ tag: "chat", availability: { open: false } });
  });

  it("that does not come is not made up for by old news", () => {
    const later = updated(choiceOf(before, false), undefined);
    expect(later.options.commMethods.map(({ availability }) => availability)).toEqual([undefined, undefined]);
  });

  it("that does not come opens nothing", () => {
    const later = updated(choiceOf({ ...before, commMethods: [method("chat", closed)] }, false), undefined);
    expect(isAllClosed(later.options)).toBe(true);
  });

  it("says that all is closed only when every way to talk is", () => {
    expect(isAllClosed(before)).toBe(false);
    expect(isAllClosed({ ...before, commMethods: [method("chat", closed)] })).toBe(true);
    expect(isAllClosed({ ...before, commMethods: [method("chat", closed), method("phone", undefined)] })).toBe(false);
  });
});
