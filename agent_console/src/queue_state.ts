import type { QueueAgent, QueueDelta, QueueEntry, QueueSnapshot } from "../../client/src/generated/messages.ts";

/** The queue and its agents at one version. */
export interface QueueState {
  version: number;
  entries: ReadonlyMap<string, QueueEntry>;
  agents: ReadonlyMap<string, QueueAgent>;
  /** A change was missed: what stands here may be wrong until the next snapshot. */
  broken: boolean;
}

export function queueOf(snapshot: QueueSnapshot): QueueState {
  return {
    version: snapshot.version,
    entries: new Map(snapshot.entries.map((entry) => [entry.conversation, entry])),
    agents: new Map(snapshot.agents.map((agent) => [agent.id, agent])),
    broken: false,
  };
}

/** The queue after a change. One that is there already changes nothing; one that does not follow on breaks it. */
export function withDelta(queue: QueueState, delta: QueueDelta): QueueState {
  if (queue.broken || delta.version <= queue.version) return queue;
  if (delta.after !== queue.version) return { ...queue, broken: true };
  return {
    version: delta.version,
    entries: changed(queue.entries, delta.entries ?? [], delta.entries_gone ?? [], (entry) => entry.conversation),
    agents: changed(queue.agents, delta.agents ?? [], delta.agents_gone ?? [], (agent) => agent.id),
    broken: false,
  };
}

function changed<T>(
  known: ReadonlyMap<string, T>,
  added: readonly T[],
  gone: readonly string[],
  keyOf: (value: T) => string,
): ReadonlyMap<string, T> {
  if (added.length === 0 && gone.length === 0) return known;
  const next = new Map(known);
  for (const key of gone) next.delete(key);
  for (const value of added) next.set(keyOf(value), value);
  return next;
}

/** Who still has no agent, in the order in which they will be helped. */
export function waitingEntries(queue: QueueState): QueueEntry[] {
  return [...queue.entries.values()].filter(({ state }) => state !== "assigned").sort(byTurn);
}

/** Highest priority (0) first, then first come. */
function byTurn(a: QueueEntry, b: QueueEntry): number {
  return a.priority - b.priority || a.arrival - b.arrival;
}

/** One line of the supervisor's overview. */
export interface PurposeRow {
  purpose: string;
  waiting: number;
  helped: number;
  /** Since when the one who waits longest waits; undefined when nobody does. */
  longestSince: number | undefined;
}

/** Per purpose who waits and who is helped; every purpose that this person watches has a line, also an empty one. */
export function purposeRows(queue: QueueState, purposes: Iterable<string>): PurposeRow[] {
  const rows = new Map<string, PurposeRow>();
  const rowOf = (purpose: string): PurposeRow => {
    const row = rows.get(purpose) ?? { purpose, waiting: 0, helped: 0, longestSince: undefined };
    rows.set(purpose, row);
    return row;
  };
  for (const purpose of purposes) rowOf(purpose);
  for (const { purpose, state, entered_at } of queue.entries.values()) {
    const row = rowOf(purpose);
    if (state === "assigned") {
      row.helped += 1;
    } else {
      row.waiting += 1;
      row.longestSince = Math.min(row.longestSince ?? entered_at, entered_at);
    }
  }
  return [...rows.values()];
}
