import type { Ack, AnyEvent, MessageEvent, SendMessage } from "./generated/messages.ts";

export type PublicEvent = Exclude<AnyEvent, { type: "disclosed" }>;

/** A message of this page's own person that is not in the log yet. */
export interface OutgoingMessage {
  id: string;
  text: string;
  state: "sending" | "refused";
  /** Its number in the log, once the server has acknowledged it. */
  seq?: number;
}

/** What was said and what happened in one conversation, as one participant's page knows it. */
export interface ConversationLog {
  logId: string | undefined;
  events: readonly PublicEvent[];
  outgoing: readonly OutgoingMessage[];
  /** Up to where the other participant has been shown the log. */
  seenByOther: number;
}

export const EMPTY_LOG: ConversationLog = { logId: undefined, events: [], outgoing: [], seenByOther: 0 };

/** The log with one event more. An event of another log replaces what was there; one that is there already is not added. */
export function withEvent(log: ConversationLog, event: PublicEvent): ConversationLog {
  const sameLog = event.log_id === log.logId;
  const events = sameLog ? log.events : [];
  if (event.seq <= (events.at(-1)?.seq ?? 0)) return log;
  return {
    logId: event.log_id,
    events: [...events, event],
    outgoing: log.outgoing.filter(({ id, seq }) => id !== commandOf(event) && seq !== event.seq),
    seenByOther: sameLog ? log.seenByOther : 0,
  };
}

export function withOutgoing(
  log: ConversationLog,
  messages: readonly Pick<SendMessage, "id" | "text">[],
): ConversationLog {
  const known = new Set([...log.outgoing.map(({ id }) => id), ...log.events.map(commandOf)]);
  const added = messages
    .filter(({ id }) => !known.has(id))
    .map(({ id, text }) => ({ id, text, state: "sending" as const }));
  return added.length === 0 ? log : { ...log, outgoing: [...log.outgoing, ...added] };
}

/** Acknowledged: it is in the log, or its event is on the way here. */
export function withAcknowledged(log: ConversationLog, { id, seq }: Ack): ConversationLog {
  if (seq === undefined || lastSeq(log) >= seq) return withoutOutgoing(log, id);
  return { ...log, outgoing: log.outgoing.map((message) => (message.id === id ? { ...message, seq } : message)) };
}

export function withRefused(log: ConversationLog, id: string): ConversationLog {
  const outgoing = log.outgoing.map((message) =>
    message.id === id ? { ...message, state: "refused" as const } : message,
  );
  return { ...log, outgoing };
}

export function withoutOutgoing(log: ConversationLog, id: string): ConversationLog {
  return { ...log, outgoing: log.outgoing.filter((message) => message.id !== id) };
}

export function withSeen(log: ConversationLog, seq: number): ConversationLog {
  return seq > log.seenByOther ? { ...log, seenByOther: seq } : log;
}

/** The last number of the log that this page has; 0 for an empty log. */
export function lastSeq(log: ConversationLog): number {
  return log.events.at(-1)?.seq ?? 0;
}

export function messagesOf(log: ConversationLog): MessageEvent[] {
  return log.events.filter((event) => event.type === "message");
}

/** The command that a message came of, as far as this page can know. */
export function commandOf(event: PublicEvent): string | undefined {
  return event.type === "message" ? event.command : undefined;
}
