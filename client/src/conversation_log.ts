import type { Ack, AnyEvent, MessageEvent, SendMessage } from "./generated/messages.ts";

export type PublicEvent = Exclude<AnyEvent, { type: "disclosed" }>;

/** A message of this page's own person that is not in the log (yet). */
export interface OutgoingMessage {
  id: string;
  text: string;
  /** `lost`: the server had taken it, and has it no longer. */
  state: "sending" | "refused" | "lost";
  /** Its number in the log, and when it got that, once the server has acknowledged it. */
  seq?: number;
  at?: number;
}

/** What this page's own person said and the server took: under which command, and when. */
export interface Said {
  id: string;
  text: string;
  at: number;
}

/** Whether a message in a log is of this page's own person. */
export type IsOwn = (message: MessageEvent, log: ConversationLog) => boolean;

/** What was said and what happened in one conversation, as one participant's page knows it. */
export interface ConversationLog {
  logId: string | undefined;
  events: readonly PublicEvent[];
  outgoing: readonly OutgoingMessage[];
  /** Under which commands this page sent messages, or an earlier load of it did, as far as it remembers. */
  sent: ReadonlySet<string>;
  /** Own messages that have no answer yet: whatever becomes of the log, they will be sent again by themselves. */
  unanswered: ReadonlySet<string>;
  /** Own messages that the server had taken, and that are not among `events`: not yet, or no more. */
  missing: readonly Said[];
  /** Up to where the other participant has been shown the log. */
  seenByOther: number;
  /** Whether it took the place of another one before the eyes of this page's person. */
  replaced: boolean;
}

export const EMPTY_LOG: ConversationLog = {
  logId: undefined,
  events: [],
  outgoing: [],
  sent: new Set(),
  unanswered: new Set(),
  missing: [],
  seenByOther: 0,
  replaced: false,
};

/** Of one's own messages, how many of the last a page remembers over a reload. What gets lost is what was said last. */
const MOST_REMEMBERED = 20;

/** The log with one event more. An event of another log replaces what was there; one that is there already is not added. */
export function withEvent(log: ConversationLog, event: PublicEvent, isOwn: IsOwn): ConversationLog {
  const next = event.log_id === log.logId ? log : begunAgain(log, event.log_id, isOwn);
  if (event.seq <= lastSeq(next)) return log;
  const command = commandOf(event);
  return {
    ...next,
    events: [...next.events, event],
    outgoing: next.outgoing.filter(({ id, seq }) => id !== command && seq !== event.seq),
    missing: next.missing.filter(({ id }) => id !== command),
  };
}

/** Nothing of the other log yet. What was said here is remembered, to see afterwards what of it is gone. */
function begunAgain(log: ConversationLog, logId: string, isOwn: IsOwn): ConversationLog {
  const said = saidIn(log, isOwn);
  const waiting = log.outgoing.filter(({ seq }) => seq === undefined);
  const again = said.filter(({ id }) => log.unanswered.has(id)).map(({ id, text }) => underWay(id, text));
  return {
    ...log,
    logId,
    events: [],
    outgoing: [...again, ...waiting.filter(({ id }) => !again.some((message) => message.id === id))],
    missing: said.filter(({ id }) => !log.unanswered.has(id)),
    seenByOther: 0,
    replaced: log.logId !== undefined,
  };
}

/** All that the server took of this page's own person, as far as the page knows. */
function saidIn(log: ConversationLog, isOwn: IsOwn): Said[] {
  const { missing, events, outgoing } = log;
  const inLog = events.flatMap((event) =>
    event.type === "message" && event.command !== undefined && isOwn(event, log)
      ? [{ id: event.command, text: event.text, at: event.at }]
      : [],
  );
  const acknowledged = outgoing.flatMap(({ id, text, at }) => (at === undefined ? [] : [{ id, text, at }]));
  return [...missing, ...inLog, ...acknowledged];
}

/** What to remember over a reload of the page: only who knows what was said can see that it is gone. */
export function remembered(log: ConversationLog, isOwn: IsOwn): Said[] {
  return [...log.missing, ...saidIn({ ...log, missing: [] }, isOwn).slice(-MOST_REMEMBERED)];
}

/** What an earlier load of this page remembered. */
export function withRemembered(log: ConversationLog, said: readonly Said[]): ConversationLog {
  const known = new Set([...log.missing.map(({ id }) => id), ...log.events.map(commandOf)]);
  const missing = [...log.missing, ...said.filter(({ id }) => !known.has(id))];
  return { ...log, missing, sent: withIds(log.sent, said) };
}

/**
 * Own messages that were taken and did not survive: the log says that something may be lost, and they are not in it.
 * Whether the other side has read them, nobody knows; so none is ever sent again without being asked to.
 */
export function lostOf(log: ConversationLog): OutgoingMessage[] {
  const until = log.events.findLast(({ type }) => type === "maybe_lost")?.at ?? 0;
  return log.missing
    .filter(({ id, at }) => at <= until && !log.unanswered.has(id))
    .map(({ id, text, at }) => ({ id, text, at, state: "lost" }));
}

/** What is to be shown, from the first to the last; what was lost stands where it was said. */
export function linesOf(log: ConversationLog): (PublicEvent | OutgoingMessage)[] {
  const lost = lostOf(log);
  if (lost.length === 0) return [...log.events, ...log.outgoing];
  const before = [...lost].sort((a, b) => (a.at ?? 0) - (b.at ?? 0));
  const lines = log.events.flatMap((event) => {
    const count = before.findIndex(({ at }) => (at ?? 0) > event.at);
    return [...before.splice(0, count < 0 ? before.length : count), event];
  });
  return [...lines, ...before, ...log.outgoing];
}

function underWay(id: string, text: string): OutgoingMessage {
  return { id, text, state: "sending" };
}

export function withOutgoing(
  log: ConversationLog,
  messages: readonly Pick<SendMessage, "id" | "text">[],
): ConversationLog {
  const known = new Set([...log.outgoing.map(({ id }) => id), ...log.events.map(commandOf)]);
  const added = messages.filter(({ id }) => !known.has(id)).map(({ id, text }) => underWay(id, text));
  const [sent, unanswered] = [withIds(log.sent, messages), withIds(log.unanswered, messages)];
  return { ...log, outgoing: [...log.outgoing, ...added], sent, unanswered };
}

/** Acknowledged: it is in the log, or its event is on the way here. */
export function withAcknowledged(log: ConversationLog, { id, seq, at }: Ack): ConversationLog {
  if (seq === undefined || lastSeq(log) >= seq) return withoutOutgoing(log, id);
  return changed(log, id, (message) => ({ ...message, seq, ...(at === undefined ? {} : { at }) }));
}

export function withRefused(log: ConversationLog, id: string): ConversationLog {
  return changed(log, id, (message) => ({ ...message, state: "refused" }));
}

/** Nothing more is to be seen of a message that is not in the log. */
export function withoutOutgoing(log: ConversationLog, id: string): ConversationLog {
  return {
    ...log,
    outgoing: log.outgoing.filter((message) => message.id !== id),
    missing: log.missing.filter((message) => message.id !== id),
    unanswered: without(log.unanswered, id),
  };
}

/** Answered, one way or the other. */
function changed(
  log: ConversationLog,
  id: string,
  change: (message: OutgoingMessage) => OutgoingMessage,
): ConversationLog {
  return {
    ...log,
    outgoing: log.outgoing.map((message) => (message.id === id ? change(message) : message)),
    unanswered: without(log.unanswered, id),
  };
}

function withIds(ids: ReadonlySet<string>, messages: readonly { id: string }[]): ReadonlySet<string> {
  return new Set([...ids, ...messages.map(({ id }) => id)]);
}

function without(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  return new Set([...ids].filter((other) => other !== id));
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
