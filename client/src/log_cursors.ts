import type { AnyEvent, Have, LogName } from "./generated/messages.ts";

export type Order = "next" | "duplicate" | "gap";

/** How far this page has each log of each conversation; the rule that decides whether an event fits. */
export class LogCursors {
  readonly #cursors = new Map<string, Have>();

  /** What to say in `hello`. */
  have(): Have[] {
    return [...this.#cursors.values()];
  }

  /**
   * Whether the event is the next of its log, and if so, moves on. A log under another id starts again at 1.
   * After "gap" nothing is taken until the server has been asked again.
   */
  take(event: Pick<AnyEvent, "conversation" | "log" | "log_id" | "seq" | "at">): Order {
    const { conversation, log, log_id, seq, at } = event;
    const cursor = this.#cursors.get(keyOf(conversation, log));
    const last = cursor?.log_id === log_id ? cursor.seq : 0;
    if (seq <= last) return "duplicate";
    if (seq > last + 1) return "gap";
    this.#cursors.set(keyOf(conversation, log), { conversation, log, log_id, seq, at });
    return "next";
  }

  /** The page has no part in this conversation any more. */
  forget(conversation: string): void {
    for (const [key, cursor] of this.#cursors) {
      if (cursor.conversation === conversation) this.#cursors.delete(key);
    }
  }

  /** Forgets all conversations but these. */
  keepOnly(conversations: Iterable<string>): void {
    const kept = new Set(conversations);
    for (const [key, cursor] of this.#cursors) {
      if (!kept.has(cursor.conversation)) this.#cursors.delete(key);
    }
  }
}

function keyOf(conversation: string, log: LogName): string {
  return `${conversation} ${log}`;
}
