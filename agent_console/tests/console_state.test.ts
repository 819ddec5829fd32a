import { describe, expect, it } from "vitest";
import { lostOf } from "../../client/src/conversation_log.ts";
import type { Attributes, StaffConversation, ToStaff } from "../../client/src/generated/messages.ts";
import { CONVERSATION, message, OTHER, staffWelcome } from "../../client/tests/frames.ts";
import { goldenFrame, goldenFrames } from "../../client/tests/golden.ts";
import { type ConsoleState, callOf, INITIAL_STATE, type Input, logOf, reduce, unread } from "../src/console_state.ts";

function conversation(changes: Partial<StaffConversation> = {}): StaffConversation {
  return {
    id: CONVERSATION,
    version: 1,
    phase: "active",
    purpose: "report_move",
    purpose_label: "Verhuizing doorgeven",
    auth: { status: "given" },
    agent: "anna",
    language: "nl",
    channel: "chat",
    entered_at: 1_000,
    accepted_at: 2_000,
    end_user_present: true,
    ...changes,
  };
}

const ATTRIBUTES: Attributes = {
  type: "attributes",
  conversation: CONVERSATION,
  method_label: "DigiD",
  verified_at: 1_000,
  attributes: [{ tag: "fullname", label: "Naam", value: "Jan" }],
};

function stateAfter(...inputs: (Input | ToStaff)[]): ConsoleState {
  return inputs.reduce<ConsoleState>(
    (state, input) => reduce(state, "kind" in input ? input : { kind: "frame", frame: input, now: 1_000_000 }),
    INITIAL_STATE,
  );
}

function talking(...more: (Input | ToStaff)[]): ConsoleState {
  return stateAfter(staffWelcome({ conversations: [conversation()] }), ATTRIBUTES, ...more);
}

describe("every frame of the golden files", () => {
  it.each(goldenFrames("to_staff"))("%s is taken without changing what was there before", (_name, frame) => {
    const before = talking();
    const copy = structuredClone(before);
    expect(() => reduce(before, { kind: "frame", frame, now: 0 })).not.toThrow();
    expect(before).toEqual(copy);
  });
});

describe("verified attributes", () => {
  it("are there while the conversation is active", () => {
    expect(talking().attributes.get(CONVERSATION)).toBe(ATTRIBUTES);
  });

  it.each<[string, Input | ToStaff]>([
    ["the server takes them back", { type: "attributes_gone", conversation: CONVERSATION }],
    ["the conversation is gone", { type: "conversation_gone", conversation: CONVERSATION }],
    ["it is over", { type: "conversation", conversation: conversation({ version: 2, phase: "wrapping_up" }) }],
    ["the next welcome does not name it", staffWelcome()],
    ["the next welcome says it is over", staffWelcome({ conversations: [conversation({ phase: "wrapping_up" })] })],
    ["the connection is stopped for good", { kind: "stopped" }],
  ])("are forgotten when %s", (_when, input) => {
    expect(talking(input).attributes.size).toBe(0);
  });

  it("stay over a reconnect", () => {
    expect(talking(staffWelcome({ conversations: [conversation()] })).attributes.size).toBe(1);
  });
});

describe("conversations", () => {
  it("keep an event that comes before the view of its conversation", () => {
    const view: ToStaff = { type: "conversation", conversation: conversation() };
    const state = stateAfter(staffWelcome(), message(1, { by: "end_user" }), view);
    expect(logOf(state, CONVERSATION).events).toHaveLength(1);
  });

  it("are not put back by a view of a lower version", () => {
    const ended: ToStaff = { type: "conversation", conversation: conversation({ version: 3, phase: "wrapping_up" }) };
    const late: ToStaff = { type: "conversation", conversation: conversation({ version: 2 }) };
    expect(talking(ended, late).conversations.get(CONVERSATION)?.phase).toBe("wrapping_up");
  });

  it("that the welcome does not name are gone with their logs", () => {
    const state = talking(message(1), staffWelcome());
    expect([state.conversations.size, state.logs.size]).toEqual([0, 0]);
  });

  it("do not mix what is on its way", () => {
    const mine: Input = { kind: "submitted", message: { id: "c-1", conversation: CONVERSATION, text: "here" } };
    const state = talking(mine);
    expect(logOf(state, CONVERSATION).outgoing).toHaveLength(1);
    expect(logOf(state, OTHER).outgoing).toHaveLength(0);
  });
});

describe("unread marks", () => {
  it("count what the end user said and the agent was not shown", () => {
    const said = [message(1, { by: "end_user" }), message(2, { by: "agent" }), message(3, { by: "end_user" })];
    expect(unread(talking(...said), CONVERSATION)).toBe(2);
    expect(unread(talking(...said, { kind: "shown", conversation: CONVERSATION, seq: 2 }), CONVERSATION)).toBe(1);
    expect(unread(talking(...said, { kind: "shown", conversation: CONVERSATION, seq: 3 }), CONVERSATION)).toBe(0);
  });
});

describe("a log that comes again because the store lost its end", () => {
  const again = (seq: number) => message(seq, { by: "end_user", log_id: "log-2" });
  const loss: ToStaff = { ...message(2), log_id: "log-2", type: "maybe_lost", by: "system", at: 2_000_000 };
  const read: Input = { kind: "shown", conversation: CONVERSATION, seq: 3 };

  it("leaves unread what comes after it, though numbers as high were read before", () => {
    const state = talking(message(1), message(2), message(3), read, again(1), loss, again(3));
    expect(unread(state, CONVERSATION)).toBe(1);
  });

  it("is read as far as it was when the page is merely loaded again", () => {
    expect(unread(talking(read, again(1), loss, again(3)), CONVERSATION)).toBe(0);
  });

  it("offers the agent to say again what was theirs, not what a colleague said", () => {
    const says: Input = { kind: "submitted", message: { id: "c-2", conversation: CONVERSATION, text: "here" } };
    const taken: Input = { kind: "acknowledged", conversation: CONVERSATION, ack: { type: "ack", id: "c-2", seq: 2 } };
    const mine = message(2, { name: "Anna", command: "c-2" });
    const theirs = message(3, { name: "Anna", command: "c-3" });
    const state = talking(message(1), says, mine, taken, theirs, again(1), loss);
    expect(lostOf(logOf(state, CONVERSATION)).map(({ id }) => id)).toEqual(["c-2"]);
  });

  it("offers it too when the page was loaded again and has shown it since", () => {
    const said = [{ id: "c-2", text: "here", at: 1_000_002 }];
    const loaded: Input = { kind: "remembered", conversation: CONVERSATION, said };
    const state = talking(loaded, message(1), message(2, { name: "Anna", command: "c-2" }), again(1), loss);
    expect(lostOf(logOf(state, CONVERSATION)).map(({ id }) => id)).toEqual(["c-2"]);
  });
});

describe("offers", () => {
  const offer = goldenFrame("to_staff", "offer");
  const gone = goldenFrame("to_staff", "offer_gone");

  it("call for attention when they come, once", () => {
    const before = talking();
    const offered = reduce(before, { kind: "frame", frame: offer, now: 0 });
    expect(callOf(before, offered)).toBe("offer");
    expect(callOf(offered, reduce(offered, { kind: "frame", frame: offer, now: 0 }))).toBeUndefined();
    expect(offered.offers).toHaveLength(1);
  });

  it("are gone when the server says so", () => {
    const id = offer.type === "offer" ? offer.offer.id : "";
    const ofOffer = gone.type === "offer_gone" ? { ...gone, id } : gone;
    expect(talking(offer, ofOffer).offers).toHaveLength(0);
  });
});

describe("calls for attention", () => {
  it("are made for a message of the end user, not for one of one's own", () => {
    const before = talking();
    const theirs = reduce(before, { kind: "frame", frame: message(1, { by: "end_user" }), now: 0 });
    const mine = reduce(before, { kind: "frame", frame: message(1, { by: "agent" }), now: 0 });
    expect([callOf(before, theirs), callOf(before, mine)]).toEqual(["message", undefined]);
  });
});

describe("being set away", () => {
  it("is said until the agent is available again", () => {
    const welcome = staffWelcome();
    const away: ToStaff = { type: "me", me: { ...welcome.me, status: "away" }, reason: "missed_offers" };
    const still: ToStaff = { type: "me", me: { ...welcome.me, status: "away" } };
    const back: ToStaff = { type: "me", me: welcome.me };
    expect(stateAfter(welcome, away, still).missedOffers).toBe(true);
    expect(stateAfter(welcome, away, back).missedOffers).toBe(false);
  });
});
