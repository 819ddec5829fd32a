import { describe, expect, it } from "vitest";
import { type ConversationState, INITIAL_STATE, type Input, pageOf, reduce } from "../src/conversation_state.ts";
import type { AuthStatus, Phase, ToEndUser } from "../src/generated/messages.ts";
import { CONVERSATION, conversation, message, welcome } from "./frames.ts";
import { goldenFrame, goldenFrames } from "./golden.ts";

function stateAfter(...inputs: (Input | ToEndUser)[]): ConversationState {
  return inputs.reduce<ConversationState>(
    (state, input) => reduce(state, "kind" in input ? input : { kind: "frame", frame: input, now: 1_000_000 }),
    INITIAL_STATE,
  );
}

const own = { id: "c-1", text: "mine" };

describe("every frame of the golden files", () => {
  it.each(goldenFrames("to_end_user"))("%s is taken without changing what was there before", (_name, frame) => {
    const before = stateAfter(welcome());
    const copy = structuredClone(before);
    const next = reduce(before, { kind: "frame", frame, now: 1_000_000 });
    expect(before).toEqual(copy);
    expect(next.conversation?.id).toBe(CONVERSATION);
  });

  it("of an event is in the log afterwards", () => {
    const events = goldenFrames("to_end_user").filter(([, frame]) => "log_id" in frame);
    expect(events.length).toBeGreaterThan(8);
    for (const [name, frame] of events) expect(stateAfter(frame).log.events, name).toEqual([frame]);
  });
});

describe("the state of the conversation", () => {
  it("is what the last view says", () => {
    const state = stateAfter(welcome(), {
      type: "conversation",
      conversation: conversation({ version: 2, phase: "closed" }),
    });
    expect(state.conversation?.phase).toBe("closed");
  });

  it("is not put back by a view of a lower version", () => {
    const late: ToEndUser = { type: "conversation", conversation: conversation({ version: 4, phase: "waiting" }) };
    const state = stateAfter(welcome({ conversation: conversation({ version: 5, phase: "active" }) }), late);
    expect(state.conversation?.phase).toBe("active");
  });

  it("begins anew with a welcome, also of a lower version", () => {
    const before = welcome({ conversation: conversation({ version: 5, phase: "active" }) });
    const state = stateAfter(before, welcome({ conversation: conversation({ version: 4, phase: "waiting" }) }));
    expect(state.conversation?.phase).toBe("waiting");
  });

  it("knows the server's clock", () => {
    const state = reduce(INITIAL_STATE, { kind: "frame", frame: welcome({ server_time: 5_000 }), now: 3_000 });
    expect(state.clockOffset).toBe(2_000);
  });

  it("has a position only while waiting", () => {
    const position = goldenFrame("to_end_user", "position");
    const waiting = stateAfter(welcome({ conversation: conversation({ phase: "waiting" }) }), position);
    expect(waiting.position).toEqual({ place: 2, agentsPresent: 2, expectedWait: 240 });
    const accepted: ToEndUser = { type: "conversation", conversation: conversation({ version: 2 }) };
    expect(reduce(waiting, { kind: "frame", frame: accepted, now: 0 }).position).toBeUndefined();
  });
});

describe("the wait of somebody in the queue", () => {
  it("is not known any more when the server no longer says it", () => {
    const waiting = stateAfter(
      welcome({ conversation: conversation({ phase: "waiting" }) }),
      goldenFrame("to_end_user", "position"),
      goldenFrame("to_end_user", "position.least"),
    );
    expect(waiting.position?.expectedWait).toBeUndefined();
  });
});

describe("which page is shown", () => {
  it.each<[Phase, AuthStatus, string]>([
    ["preparing", "pending", "identifying"],
    ["preparing", "failed", "not_identified"],
    ["preparing", "missing", "not_identified"],
    ["waiting", "given", "waiting"],
    ["waiting", "failed", "waiting"],
    ["active", "none", "talking"],
    ["wrapping_up", "given", "ended"],
    ["closed", "given", "ended"],
    ["purged", "none", "ended"],
  ])("in phase %s with identification %s: %s", (phase, status, page) => {
    expect(pageOf(stateAfter(welcome({ conversation: conversation({ phase, auth: { status } }) })))).toBe(page);
  });

  it("who was not identified, and may not go on, is told that", () => {
    const refused = conversation({ phase: "closed", auth: { status: "failed" }, end_reason: "not_identified" });
    expect(pageOf(stateAfter(welcome({ conversation: refused })))).toBe("not_identified");
  });

  it.each<Phase>(["preparing", "waiting", "active", "closed"])(
    "in phase %s, when the conversation is no longer there: its end, and nothing that says otherwise",
    (phase) => {
      const before = stateAfter(welcome({ conversation: conversation({ phase }) }), message(1));
      const after = reduce(before, { kind: "gone" });
      expect(pageOf(after)).toBe("ended");
      expect(after.log.events).toEqual(before.log.events);
      expect(after.position).toBeUndefined();
    },
  );

  it("before the server has spoken: loading", () => {
    expect(pageOf(INITIAL_STATE)).toBe("loading");
  });
});

describe("a message of one's own", () => {
  const submitted: Input = { kind: "submitted", messages: [own] };

  it("is shown at once, as being sent", () => {
    expect(stateAfter(welcome(), submitted).log.outgoing).toEqual([{ ...own, state: "sending" }]);
  });

  it("is shown once when its event comes before the acknowledgement", () => {
    const state = stateAfter(submitted, message(1, { by: "end_user", command: "c-1" }));
    expect(state.log.outgoing).toEqual([]);
    expect(state.log.events).toHaveLength(1);
  });

  it("stays in sight between the acknowledgement and its event, also when the event does not name it", () => {
    const acknowledged = stateAfter(submitted, { kind: "acknowledged", ack: { type: "ack", id: "c-1", seq: 1 } });
    expect(acknowledged.log.outgoing).toHaveLength(1);
    const arrived = reduce(acknowledged, { kind: "frame", frame: message(1, { by: "end_user" }), now: 0 });
    expect(arrived.log.outgoing).toEqual([]);
  });

  it("is not added again when the log has it already, as after a reload", () => {
    const state = stateAfter(message(1, { by: "end_user", command: "c-1" }), submitted);
    expect(state.log.outgoing).toEqual([]);
  });

  it("that was refused stays in sight and says so, until it is withdrawn", () => {
    const refused = stateAfter(submitted, { kind: "refused", id: "c-1" });
    expect(refused.log.outgoing).toEqual([{ ...own, state: "refused" }]);
    expect(reduce(refused, { kind: "withdrawn", id: "c-1" }).log.outgoing).toEqual([]);
  });
});

describe("the log", () => {
  it("is replaced when its id changes", () => {
    const state = stateAfter(message(1), message(2), message(1, { log_id: "log-2", text: "anew" }));
    expect(state.log.events.map((event) => event.type === "message" && event.text)).toEqual(["anew"]);
  });

  it("does not go back in what the other has seen", () => {
    const seen = (seq: number): ToEndUser => ({ type: "seen_by", conversation: CONVERSATION, by: "agent", seq });
    expect(stateAfter(message(1), message(2), seen(2), seen(1)).log.seenByOther).toBe(2);
  });
});
