import { beforeEach, describe, expect, it } from "vitest";
import { Typing } from "../src/typing.ts";
import { FakeEnvironment } from "./fake_environment.ts";
import { CONVERSATION, message, OTHER } from "./frames.ts";

let environment: FakeEnvironment;
let told: [string, boolean][];
let changes: number;
let typing: Typing;

const by = (on: boolean, conversation = CONVERSATION) =>
  ({ type: "typing_by", conversation, by: "agent", on }) as const;

beforeEach(() => {
  environment = new FakeEnvironment();
  told = [];
  changes = 0;
  typing = new Typing(
    environment,
    (conversation, on) => told.push([conversation, on]),
    () => {
      changes += 1;
    },
  );
});

describe("that this page's person types", () => {
  it("is told with the first letter, and every three seconds while they go on", () => {
    for (let letters = 1; letters <= 7; letters += 1) {
      typing.typed(CONVERSATION, "a".repeat(letters));
      environment.passes(1_000);
    }
    expect(told).toEqual([
      [CONVERSATION, true],
      [CONVERSATION, true],
      [CONVERSATION, true],
    ]);
  });

  it("is taken back once when the box is empty again", () => {
    typing.typed(CONVERSATION, "a");
    typing.typed(CONVERSATION, " ");
    typing.typed(CONVERSATION, "");
    expect(told).toEqual([
      [CONVERSATION, true],
      [CONVERSATION, false],
    ]);
  });

  it("is over with the message, which says so itself", () => {
    typing.typed(CONVERSATION, "a");
    typing.sent(CONVERSATION);
    typing.typed(CONVERSATION, "");
    typing.typed(CONVERSATION, "b");
    expect(told).toEqual([
      [CONVERSATION, true],
      [CONVERSATION, true],
    ]);
  });

  it("is told anew in another conversation, over another connection, and when the clock was set back", () => {
    typing.typed(CONVERSATION, "a");
    typing.typed(OTHER, "a");
    typing.forget();
    typing.typed(OTHER, "ab");
    environment.clockMoves(-3_600_000);
    typing.typed(OTHER, "abc");
    expect(told).toEqual([CONVERSATION, OTHER, OTHER, OTHER].map((where) => [where, true]));
  });
});

describe("that the other side types", () => {
  it("is known for six seconds after it was last heard", () => {
    typing.frameArrived(by(true), "agent");
    environment.passes(5_999);
    expect(typing.heardIn(CONVERSATION)).toBe(true);
    typing.frameArrived(by(true), "agent");
    environment.passes(5_999);
    expect(typing.heardIn(CONVERSATION)).toBe(true);
    environment.passes(1);
    expect(typing.heardIn(CONVERSATION)).toBe(false);
    expect(changes).toBe(3);
  });

  it("ends with their message, and not with one's own", () => {
    typing.frameArrived(by(true), "agent");
    typing.frameArrived(message(1, { by: "end_user" }), "agent");
    expect(typing.heardIn(CONVERSATION)).toBe(true);
    typing.frameArrived(message(2, { by: "agent" }), "agent");
    expect(typing.heardIn(CONVERSATION)).toBe(false);
  });

  it("ends when they stop, and in no other conversation", () => {
    typing.frameArrived(by(true), "agent");
    typing.frameArrived(by(true, OTHER), "agent");
    typing.frameArrived(by(false), "agent");
    expect([typing.heardIn(CONVERSATION), typing.heardIn(OTHER)]).toEqual([false, true]);
  });

  it("is not known any more when the connection is lost", () => {
    typing.frameArrived(by(true), "agent");
    typing.forget();
    expect(typing.heardIn(CONVERSATION)).toBe(false);
    environment.passes(60_000);
    expect(changes).toBe(2);
  });
});
