import {
  type ConversationLog,
  EMPTY_LOG,
  type IsOwn,
  type PublicEvent,
  type Said,
  withAcknowledged,
  withEvent,
  withOutgoing,
  withoutOutgoing,
  withRefused,
  withRemembered,
  withSeen,
} from "../../client/src/conversation_log.ts";
import type {
  Ack,
  Attributes,
  Limits,
  OfferView,
  SendMessage,
  StaffConversation,
  StaffMember,
  StaffWelcome,
  ToStaff,
} from "../../client/src/generated/messages.ts";
import { type QueueState, queueOf, withDelta } from "./queue_state.ts";

/** Everything the console knows. Changed by `reduce` alone. */
export interface ConsoleState {
  me: StaffMember | undefined;
  limits: Limits | undefined;
  /** Add it to this device's clock to get the store's. Milliseconds. */
  clockOffset: number;
  conversations: ReadonlyMap<string, StaffConversation>;
  /** By conversation, also of those whose view is still on its way: an event comes once. */
  logs: ReadonlyMap<string, ConversationLog>;
  attributes: ReadonlyMap<string, Attributes>;
  /** By conversation: up to which event the agent has been shown the log. */
  shown: ReadonlyMap<string, number>;
  offers: readonly OfferView[];
  queue: QueueState | undefined;
  /** Set away by the server, because offers were left to lapse. */
  missedOffers: boolean;
}

export const INITIAL_STATE: ConsoleState = {
  me: undefined,
  limits: undefined,
  clockOffset: 0,
  conversations: new Map(),
  logs: new Map(),
  attributes: new Map(),
  shown: new Map(),
  offers: [],
  queue: undefined,
  missedOffers: false,
};

/** What can happen to the console: the server speaks, its own person acts, or the connection is over for good. */
export type Input =
  | { kind: "frame"; frame: ToStaff; now: number }
  | { kind: "submitted"; message: Pick<SendMessage, "id" | "conversation" | "text"> }
  | { kind: "remembered"; conversation: string; said: readonly Said[] }
  | { kind: "acknowledged"; conversation: string; ack: Ack }
  | { kind: "refused"; conversation: string; id: string }
  | { kind: "withdrawn"; conversation: string; id: string }
  | { kind: "shown"; conversation: string; seq: number }
  | { kind: "stopped" };

/** The next state. Pure: no clock, no socket. Frames that mean nothing here leave the state as it is. */
export function reduce(state: ConsoleState, input: Input): ConsoleState {
  switch (input.kind) {
    case "frame":
      return withFrame(state, input.frame, input.now);
    case "submitted":
      return onLog(state, input.message.conversation, (log) => withOutgoing(log, [input.message]));
    case "remembered":
      return onLog(state, input.conversation, (log) => withRemembered(log, input.said));
    case "acknowledged":
      return onLog(state, input.conversation, (log) => withAcknowledged(log, input.ack));
    case "refused":
      return onLog(state, input.conversation, (log) => withRefused(log, input.id));
    case "withdrawn":
      return onLog(state, input.conversation, (log) => withoutOutgoing(log, input.id));
    case "shown":
      return { ...state, shown: withKey(state.shown, input.conversation, input.seq) };
    case "stopped":
      return { ...state, attributes: new Map(), offers: [] };
  }
}

function withFrame(state: ConsoleState, frame: ToStaff, now: number): ConsoleState {
  switch (frame.type) {
    case "welcome":
      return welcomed(state, frame, now);
    case "me":
      return withMe(state, frame.me, frame.reason === "missed_offers");
    case "conversation":
      return withConversation(state, frame.conversation);
    case "conversation_gone":
      return withoutConversation(state, frame.conversation);
    case "attributes":
      return { ...state, attributes: withKey(state.attributes, frame.conversation, frame) };
    case "attributes_gone":
      return { ...state, attributes: withoutKey(state.attributes, frame.conversation) };
    case "offer":
      return { ...state, offers: [...state.offers.filter(({ id }) => id !== frame.offer.id), frame.offer] };
    case "offer_gone":
      return { ...state, offers: state.offers.filter(({ id }) => id !== frame.id) };
    case "queue":
      return { ...state, queue: queueOf(frame) };
    case "queue_delta":
      return state.queue === undefined ? state : { ...state, queue: withDelta(state.queue, frame) };
    case "seen_by":
      return frame.by === "agent" ? state : onLog(state, frame.conversation, (log) => withSeen(log, frame.seq));
    case "ack":
    case "error":
    case "pong":
    case "typing_by":
    case "disclosed":
      return state;
    default:
      return frame.log === "public" ? withPublicEvent(state, frame) : state;
  }
}

/**
 * Of a colleague's messages, which came before, none is one's own to say again. Colleagues may have the same name, so
 * only what this page sent counts; what somebody said on another page of theirs, this page does not know for theirs.
 */
export const isOfAgent: IsOwn = ({ by, command }, { sent }) =>
  by === "agent" && command !== undefined && sent.has(command);

/** After a loss the numbers go on from a lower one: what comes now under those that were shown has not been shown. */
function withPublicEvent(state: ConsoleState, event: PublicEvent): ConsoleState {
  const { conversation, seq } = event;
  const next = onLog(state, conversation, (log) => withEvent(log, event, isOfAgent));
  const shown = next.shown.get(conversation) ?? 0;
  if (event.type !== "maybe_lost" || !logOf(next, conversation).replaced || shown < seq) return next;
  return { ...next, shown: withKey(next.shown, conversation, seq - 1) };
}

/** What the welcome does not name is gone, with all that was known of it. */
function welcomed(state: ConsoleState, welcome: StaffWelcome, now: number): ConsoleState {
  const views = new Map(welcome.conversations.map((conversation) => [conversation.id, conversation]));
  const active = (id: string) => views.get(id)?.phase === "active";
  return {
    ...state,
    me: welcome.me,
    missedOffers: state.missedOffers && welcome.me.status === "away",
    limits: welcome.limits,
    clockOffset: welcome.server_time - now,
    conversations: views,
    logs: onlyKeys(state.logs, (id) => views.has(id)),
    attributes: onlyKeys(state.attributes, active),
    shown: onlyKeys(state.shown, (id) => views.has(id)),
    offers: welcome.offers,
  };
}

function withMe(state: ConsoleState, me: StaffMember, missed: boolean): ConsoleState {
  return { ...state, me, missedOffers: me.status === "away" && (missed || state.missedOffers) };
}

/** A view replaces an earlier one; one of a lower version comes from before and is dropped. */
function withConversation(state: ConsoleState, view: StaffConversation): ConsoleState {
  const known = state.conversations.get(view.id);
  if (known !== undefined && view.version < known.version) return state;
  return {
    ...state,
    conversations: withKey(state.conversations, view.id, view),
    // The server says so too; but nothing that it fails to say may keep them in sight.
    attributes: view.phase === "active" ? state.attributes : withoutKey(state.attributes, view.id),
  };
}

function withoutConversation(state: ConsoleState, id: string): ConsoleState {
  return {
    ...state,
    conversations: withoutKey(state.conversations, id),
    logs: withoutKey(state.logs, id),
    attributes: withoutKey(state.attributes, id),
    shown: withoutKey(state.shown, id),
  };
}

export function logOf(state: ConsoleState, conversation: string): ConversationLog {
  return state.logs.get(conversation) ?? EMPTY_LOG;
}

/** How many messages of the end user have not been shown yet. */
export function unread(state: ConsoleState, conversation: string): number {
  const shown = state.shown.get(conversation) ?? 0;
  const { events } = logOf(state, conversation);
  return events.filter(({ type, by, seq }) => type === "message" && by === "end_user" && seq > shown).length;
}

export function unreadInAll(state: ConsoleState): number {
  return [...state.conversations.keys()].reduce((sum, id) => sum + unread(state, id), 0);
}

/** What happened that the agent must not miss. */
export type Call = "offer" | "message";

/** What a step from one state to the next calls attention for. A first load calls for offers only. */
export function callOf(before: ConsoleState, after: ConsoleState): Call | undefined {
  const known = new Set(before.offers.map(({ id }) => id));
  if (after.offers.some(({ id }) => !known.has(id))) return "offer";
  return before.me !== undefined && unreadInAll(after) > unreadInAll(before) ? "message" : undefined;
}

function onLog(state: ConsoleState, id: string, change: (log: ConversationLog) => ConversationLog): ConsoleState {
  return { ...state, logs: withKey(state.logs, id, change(logOf(state, id))) };
}

function withKey<T>(map: ReadonlyMap<string, T>, key: string, value: T): ReadonlyMap<string, T> {
  return new Map(map).set(key, value);
}

function withoutKey<T>(map: ReadonlyMap<string, T>, key: string): ReadonlyMap<string, T> {
  return onlyKeys(map, (other) => other !== key);
}

function onlyKeys<T>(map: ReadonlyMap<string, T>, keep: (key: string) => boolean): ReadonlyMap<string, T> {
  return new Map([...map].filter(([key]) => keep(key)));
}
