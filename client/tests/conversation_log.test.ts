import { describe, expect, it } from "vitest";
import {
  type ConversationLog,
  EMPTY_LOG,
  type IsOwn,
  linesOf,
  lostOf,
  type PublicEvent,
  remembered,
  withAcknowledged,
  withEvent,
  withOutgoing,
  withoutOutgoing,
  withRemembered,
} from "../src/conversation_log.ts";
import { CONVERSATION, message } from "./frames.ts";

const isOwn: IsOwn = ({ by }) => by === "end_user";

function own(seq: number, log_id = "log-1"): PublicEvent {
  return message(seq, { by: "end_user", command: `c-${seq}`, text: `mine ${seq}`, log_id });
}

function maybeLost(seq: number, at: number): PublicEvent {
  return { type: "maybe_lost", conversation: CONVERSATION, log: "public", log_id: "log-2", seq, at, by: "system" };
}

function logAfter(log: ConversationLog, ...events: PublicEvent[]): ConversationLog {
  return events.reduce((before, event) => withEvent(before, event, isOwn), log);
}

/** Three messages, of which the store has lost the last two; then a fault, and the log under another id. */
const BEFORE = logAfter(EMPTY_LOG, own(1), own(2), message(3), own(4));
const AFTER = logAfter(BEFORE, own(1, "log-2"), maybeLost(2, 1_000_100));

function textsOf(log: ConversationLog): string[] {
  return linesOf(log).map((line) => ("text" in line ? line.text : line.type));
}

describe("a message that the server had taken and has no longer", () => {
  it("is shown as lost, where it was said", () => {
    expect(lostOf(AFTER)).toEqual([
      { id: "c-2", text: "mine 2", at: 1_000_002, state: "lost" },
      { id: "c-4", text: "mine 4", at: 1_000_004, state: "lost" },
    ]);
    const on = logAfter(AFTER, message(3, { log_id: "log-2", at: 1_000_200 }));
    expect(textsOf(on)).toEqual(["mine 1", "mine 2", "mine 4", "maybe_lost", "message 3"]);
  });

  it("is not called lost while its log is still coming", () => {
    expect(lostOf(logAfter(BEFORE, own(1, "log-2")))).toEqual([]);
  });

  it("is one of this page's own person only", () => {
    expect(lostOf(AFTER).map(({ text }) => text)).not.toContain("message 3");
  });

  it("is no longer lost when it turns out to be there after all", () => {
    const late = message(3, { by: "end_user", command: "c-2", log_id: "log-2" });
    expect(lostOf(logAfter(AFTER, late)).map(({ id }) => id)).toEqual(["c-4"]);
  });

  it("is gone from sight when its person removes it, or says it again under another id", () => {
    expect(textsOf(withoutOutgoing(withoutOutgoing(AFTER, "c-2"), "c-4"))).toEqual(["mine 1", "maybe_lost"]);
  });

  it("is found also when only its acknowledgement had come", () => {
    const said = withOutgoing(BEFORE, [{ id: "c-5", text: "mine 5" }]);
    const acknowledged = withAcknowledged(said, { type: "ack", id: "c-5", seq: 5, at: 1_000_005 });
    const log = logAfter(acknowledged, own(1, "log-2"), maybeLost(2, 1_000_100));
    expect(lostOf(log).map(({ id }) => id)).toEqual(["c-2", "c-4", "c-5"]);
  });

  it("is still known to be lost after a second fault", () => {
    const again = logAfter(AFTER, own(1, "log-3"), { ...maybeLost(2, 1_000_100), log_id: "log-3" });
    expect(lostOf(again).map(({ id }) => id)).toEqual(["c-2", "c-4"]);
  });
});

describe("a message without an answer", () => {
  const said = withOutgoing(BEFORE, [
    { id: "c-4", text: "mine 4" },
    { id: "c-5", text: "mine 5" },
  ]);
  const log = logAfter(said, own(1, "log-2"), maybeLost(2, 1_000_100));

  it("is on its way, not lost: it will be sent again by itself, also when its event had come", () => {
    expect(log.outgoing).toEqual([
      { id: "c-4", text: "mine 4", state: "sending" },
      { id: "c-5", text: "mine 5", state: "sending" },
    ]);
    expect(lostOf(log).map(({ id }) => id)).toEqual(["c-2"]);
  });

  it("is said once when it arrives in the new log", () => {
    const arrived = logAfter(log, message(3, { by: "end_user", command: "c-4", text: "mine 4", log_id: "log-2" }));
    const answered = withAcknowledged(arrived, { type: "ack", id: "c-4", seq: 3, at: 1_000_300 });
    expect(textsOf(answered).filter((text) => text === "mine 4")).toHaveLength(1);
    expect(answered.unanswered.has("c-4")).toBe(false);
  });
});

describe("what a page remembers over a reload", () => {
  it("shows what was lost meanwhile, once the log says so", () => {
    const reloaded = withRemembered(EMPTY_LOG, remembered(BEFORE, isOwn));
    const log = logAfter(reloaded, own(1, "log-2"), maybeLost(2, 1_000_100));
    expect(lostOf(log)).toEqual(lostOf(AFTER));
    expect(log.replaced).toBe(false);
  });

  it("shows what was lost before it, and nothing that was not", () => {
    const log = logAfter(withRemembered(EMPTY_LOG, remembered(AFTER, isOwn)), own(1, "log-2"), maybeLost(2, 1_000_100));
    expect(lostOf(log)).toEqual(lostOf(AFTER));
    const whole = logAfter(
      withRemembered(EMPTY_LOG, remembered(BEFORE, isOwn)),
      ...BEFORE.events.map((event) => ({ ...event, log_id: "log-1" })),
    );
    expect(whole.missing).toEqual([]);
  });

  it("is the last of what its own person said, and all that is lost", () => {
    const many = logAfter(EMPTY_LOG, ...Array.from({ length: 100 }, (_, index) => own(index + 1)));
    expect(remembered(many, isOwn)).toHaveLength(20);
    expect(remembered(many, isOwn).at(-1)?.id).toBe("c-100");
    expect(remembered(AFTER, isOwn).map(({ id }) => id)).toEqual(["c-2", "c-4", "c-1"]);
  });
});
