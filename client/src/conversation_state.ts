import {
  type ConversationLog,
  EMPTY_LOG,
  type IsOwn,
  type Said,
  withAcknowledged,
  withEvent,
  withOutgoing,
  withoutOutgoing,
  withRefused,
  withRemembered,
  withSeen,
} from "./conversation_log.ts";
import type { Ack, EndUserConversation, Limits, Position, SendMessage, ToEndUser } from "./generated/messages.ts";

/** Where somebody is in the queue; 1 is next. What the server cannot say of the wait, in seconds, is absent. */
export interface Standing {
  place: number;
  agentsPresent: number;
  expectedWait: number | undefined;
}

/** Everything the end user's page knows. Changed by `reduce` alone. */
export interface ConversationState {
  conversation: EndUserConversation | undefined;
  limits: Limits | undefined;
  /** Add it to this device's clock to get the store's. Milliseconds. */
  clockOffset: number;
  position: Standing | undefined;
  /** Over and deleted: what is here is only still on this page. */
  gone: boolean;
  log: ConversationLog;
}

export const INITIAL_STATE: ConversationState = {
  conversation: undefined,
  limits: undefined,
  clockOffset: 0,
  position: undefined,
  gone: false,
  log: EMPTY_LOG,
};

export const isOfEndUser: IsOwn = ({ by }) => by === "end_user";

/** What can happen to the page: the server speaks, or its own person does. */
export type Input =
  | { kind: "frame"; frame: ToEndUser; now: number }
  | { kind: "submitted"; messages: readonly Pick<SendMessage, "id" | "text">[] }
  | { kind: "remembered"; said: readonly Said[] }
  | { kind: "acknowledged"; ack: Ack }
  | { kind: "refused"; id: string }
  | { kind: "withdrawn"; id: string }
  | { kind: "gone" };

/** The next state. Pure: no clock, no socket. Frames that mean nothing here leave the state as it is. */
export function reduce(state: ConversationState, input: Input): ConversationState {
  switch (input.kind) {
    case "frame":
      return withFrame(state, input.frame, input.now);
    case "submitted":
      return { ...state, log: withOutgoing(state.log, input.messages) };
    case "remembered":
      return { ...state, log: withRemembered(state.log, input.said) };
    case "acknowledged":
      return { ...state, log: withAcknowledged(state.log, input.ack) };
    case "refused":
      return { ...state, log: withRefused(state.log, input.id) };
    case "withdrawn":
      return { ...state, log: withoutOutgoing(state.log, input.id) };
    case "gone":
      return { ...state, gone: true, position: undefined };
  }
}

function withFrame(state: ConversationState, frame: ToEndUser, now: number): ConversationState {
  switch (frame.type) {
    case "welcome":
      return {
        ...shown(state, frame.conversation),
        limits: frame.limits,
        clockOffset: frame.server_time - now,
      };
    case "conversation":
      return withConversation(state, frame.conversation);
    case "position":
      return { ...state, position: standing(frame) };
    case "seen_by":
      return frame.by === "end_user" ? state : { ...state, log: withSeen(state.log, frame.seq) };
    case "ack":
    case "error":
    case "pong":
    case "typing_by":
      return state;
    default:
      return frame.log === "public" ? { ...state, log: withEvent(state.log, frame, isOfEndUser) } : state;
  }
}

function standing({ position, agents_present, expected_wait }: Position): Standing {
  return { place: position, agentsPresent: agents_present, expectedWait: expected_wait };
}

/** A view replaces an earlier one; one of a lower version comes from before and is dropped. */
function withConversation(state: ConversationState, conversation: EndUserConversation): ConversationState {
  const known = state.conversation;
  if (known !== undefined && known.id === conversation.id && conversation.version < known.version) return state;
  return shown(state, conversation);
}

/** Whatever there was: with a welcome it begins anew, also when the store fell back to an earlier copy of itself. */
function shown(state: ConversationState, conversation: EndUserConversation): ConversationState {
  return { ...state, conversation, position: conversation.phase === "waiting" ? state.position : undefined };
}

/** Which page to show. */
export type Page = "loading" | "identifying" | "not_identified" | "waiting" | "talking" | "ended";

export function pageOf({ conversation, gone }: ConversationState): Page {
  if (gone && conversation !== undefined) return "ended";
  switch (conversation?.phase) {
    case undefined:
      return "loading";
    case "preparing":
      return isNotIdentified(conversation.auth.status) ? "not_identified" : "identifying";
    case "waiting":
      return "waiting";
    case "active":
      return "talking";
    case "wrapping_up":
    case "closed":
    case "purged":
      // Nothing began that could have ended.
      return conversation.end_reason === "not_identified" ? "not_identified" : "ended";
  }
}

function isNotIdentified(status: EndUserConversation["auth"]["status"]): boolean {
  return status === "failed" || status === "missing";
}

/** What happened that the person must not miss. */
export type Call = "accepted" | "message" | "still_there";

/** What a step from one state to the next calls attention for. A first load calls for nothing. */
export function callOf(before: ConversationState, after: ConversationState): Call | undefined {
  if (pageOf(before) === "waiting" && pageOf(after) === "talking") return "accepted";
  if (pageOf(before) !== "talking" || before.log.logId !== after.log.logId) return undefined;
  const added = after.log.events.slice(before.log.events.length);
  if (added.some(({ type }) => type === "still_there")) return "still_there";
  return added.some(({ type, by }) => type === "message" && by === "agent") ? "message" : undefined;
}
