import { describe, expect, it } from "vitest";
import type { QueueDelta, QueueEntry, QueueSnapshot } from "../../client/src/generated/messages.ts";
import { purposeRows, queueOf, waitingEntries, withDelta } from "../src/queue_state.ts";

function entry(conversation: string, changes: Partial<QueueEntry> = {}): QueueEntry {
  return {
    conversation,
    purpose: "report_move",
    channel: "chat",
    language: "nl",
    priority: 5,
    arrival: 1,
    entered_at: 1_000,
    state: "waiting",
    ...changes,
  };
}

const SNAPSHOT: QueueSnapshot = {
  type: "queue",
  version: 7,
  entries: [entry("a"), entry("b", { arrival: 2 })],
  agents: [],
};

function delta(changes: Partial<QueueDelta>): QueueDelta {
  return { type: "queue_delta", after: 7, version: 8, ...changes };
}

function waiting(...deltas: QueueDelta[]): string[] {
  return waitingEntries(deltas.reduce(withDelta, queueOf(SNAPSHOT))).map(({ conversation }) => conversation);
}

describe("the queue", () => {
  it("follows its changes", () => {
    expect(waiting(delta({ entries: [entry("c", { arrival: 3 })], entries_gone: ["a"] }))).toEqual(["b", "c"]);
  });

  it("is helped by priority, then first come, whatever the clock said", () => {
    const late = entry("late", { arrival: 9, entered_at: 1, priority: 5 });
    const urgent = entry("urgent", { arrival: 10, priority: 0 });
    expect(waiting(delta({ entries: [late, urgent] }))).toEqual(["urgent", "a", "b", "late"]);
  });

  it("takes a change once", () => {
    const change = delta({ entries_gone: ["a"] });
    expect(waiting(change, change, delta({ after: 8, version: 9, entries: [entry("a")] }))).toEqual(["a", "b"]);
  });

  it("is broken by a change that does not follow on, until the next snapshot", () => {
    const broken = withDelta(queueOf(SNAPSHOT), delta({ after: 8, version: 9, entries_gone: ["a"] }));
    expect(broken.broken).toBe(true);
    expect(waitingEntries(broken)).toHaveLength(2);
    expect(withDelta(broken, delta({})).broken).toBe(true);
    expect(queueOf(SNAPSHOT).broken).toBe(false);
  });

  it("counts who is helped apart from who waits", () => {
    expect(waiting(delta({ entries: [entry("a", { state: "assigned", agent: "anna" })] }))).toEqual(["b"]);
  });
});

describe("the supervisor's overview", () => {
  it("has a line for every purpose, also an empty one, and the longest wait of each", () => {
    const entries = [
      entry("a", { entered_at: 500 }),
      entry("b", { entered_at: 300, state: "absent" }),
      entry("c", { entered_at: 100, state: "assigned" }),
    ];
    const rows = purposeRows(queueOf({ ...SNAPSHOT, entries }), ["passport", "report_move"]);
    expect(rows).toEqual([
      { purpose: "passport", waiting: 0, helped: 0, longestSince: undefined },
      { purpose: "report_move", waiting: 2, helped: 1, longestSince: 300 },
    ]);
  });
});
