// Written by `make generate` from server/idcontact/live/messages/. Change those, not this.

export const PROTOCOL = "idcontact.live.v1";
export const MAX_FRAME_BYTES = 32768;
export const MAX_TEXT_CHARACTERS = 4000;

export type CommandId = string;
export type PageId = string;
export type ConversationId = string;
export type MessageText = string;
export type Attempt = number;
export type Seq = number;
export type Millis = number;
export type LogName = "public" | "staff";
export type Phase = "preparing" | "waiting" | "active" | "wrapping_up" | "closed" | "purged";
export type AuthStatus = "none" | "pending" | "given" | "failed" | "missing";
export type EndReason = "ended_by_end_user" | "ended_by_agent" | "abandoned" | "left_the_queue" | "idle" | "time_limit" | "not_identified" | "unavailable";
export type Role = "agent" | "supervisor" | "administrator";
export type AgentStatus = "available" | "away";
export type Sender = "end_user" | "agent" | "system";
export type ErrorCode = "malformed" | "unknown_type" | "too_large" | "not_allowed" | "not_found" | "conflict" | "rate_limited" | "unavailable" | "hello_expected";

/** What a client already has of one log of one conversation. */
export interface Have {
  conversation: ConversationId;
  log: LogName;
  log_id: string;
  seq: Seq;
  at: Millis | null;
}

/** The first frame of a socket. `have` is empty on a first load. */
export interface Hello {
  type: "hello";
  have?: Array<Have>;
  page?: PageId;
  attempt?: Attempt;
}

/** Say something in an active conversation. */
export interface SendMessage {
  type: "send";
  id: CommandId;
  conversation: ConversationId;
  text: MessageText;
}

/** Everything of the public log up to `seq` has been shown to this participant. Not answered. */
export interface Seen {
  type: "seen";
  conversation: ConversationId;
  seq: Seq;
}

/** This participant is typing a message, or (`on` false) has stopped before there was one. Not answered. */
export interface Typing {
  type: "typing";
  conversation: ConversationId;
  on?: boolean;
}

/** End the conversation; for a waiting end user: leave the queue. */
export interface EndConversation {
  type: "end";
  id: CommandId;
  conversation: ConversationId;
}

/** End user: go on although the identification failed or never came, where the purpose allows it. */
export interface ContinueUnverified {
  type: "continue_unverified";
  id: CommandId;
  conversation: ConversationId;
}

/** Is anybody there? Answered by `pong` with the same `nonce`. For clients that cannot see WebSocket pings. */
export interface Ping {
  type: "ping";
  nonce?: string;
}

/** Agent: take conversations, or not. */
export interface SetStatus {
  type: "set_status";
  id: CommandId;
  status: AgentStatus;
}

/** Agent: take the conversation that is offered. */
export interface AcceptOffer {
  type: "accept";
  id: CommandId;
  conversation: ConversationId;
  offer: string;
}

/** Agent: leave the offered conversation to somebody else. It keeps its place. */
export interface DeclineOffer {
  type: "decline";
  id: CommandId;
  conversation: ConversationId;
  offer: string;
}

/** Agent: the work after the conversation is done. */
export interface FinishWrapUp {
  type: "finish";
  id: CommandId;
  conversation: ConversationId;
}

/** Somebody said something. `name`: the agent's display name, if an agent did. `command`: its id then. */
export interface MessageEvent {
  type: "message";
  conversation: ConversationId;
  log: LogName;
  log_id: string;
  seq: Seq;
  at: Millis;
  by: Sender;
  text: string;
  name?: string;
  command?: string;
}

/** The end user is in the queue (again, when `again`). */
export interface QueuedEvent {
  type: "queued";
  conversation: ConversationId;
  log: LogName;
  log_id: string;
  seq: Seq;
  at: Millis;
  by: Sender;
  again?: boolean;
}

/** The end user's identity was verified; which attributes, but no values. */
export interface IdentifiedEvent {
  type: "identified";
  conversation: ConversationId;
  log: LogName;
  log_id: string;
  seq: Seq;
  at: Millis;
  by: Sender;
  method: string;
  method_label: string;
  tags: Array<string>;
  level?: string;
}

/** The identification failed or was cancelled (`failed`), or its result never came (`missing`). */
export interface NotIdentifiedEvent {
  type: "not_identified";
  conversation: ConversationId;
  log: LogName;
  log_id: string;
  seq: Seq;
  at: Millis;
  by: Sender;
  status: "failed" | "missing";
}

/** The end user chose to go on without identification. */
export interface UnverifiedEvent {
  type: "unverified";
  conversation: ConversationId;
  log: LogName;
  log_id: string;
  seq: Seq;
  at: Millis;
  by: Sender;
}

/** An agent accepted. */
export interface JoinedEvent {
  type: "joined";
  conversation: ConversationId;
  log: LogName;
  log_id: string;
  seq: Seq;
  at: Millis;
  by: Sender;
  name: string;
}

/** The agent is gone and the conversation went back to the queue. */
export interface LeftEvent {
  type: "left";
  conversation: ConversationId;
  log: LogName;
  log_id: string;
  seq: Seq;
  at: Millis;
  by: Sender;
  name: string;
}

/** Both are asked whether they are still there: somebody says something before `until`, or it ends. */
export interface StillThereEvent {
  type: "still_there";
  conversation: ConversationId;
  log: LogName;
  log_id: string;
  seq: Seq;
  at: Millis;
  by: Sender;
  until: Millis;
}

/** The store fell back to an earlier copy of itself: what was said last before this may be missing. */
export interface MaybeLostEvent {
  type: "maybe_lost";
  conversation: ConversationId;
  log: LogName;
  log_id: string;
  seq: Seq;
  at: Millis;
  by: Sender;
}

/** The conversation is over. */
export interface EndedEvent {
  type: "ended";
  conversation: ConversationId;
  log: LogName;
  log_id: string;
  seq: Seq;
  at: Millis;
  by: Sender;
  reason: EndReason;
}

/** Staff log: attributes were shown to `name`; which, and why; never values. */
export interface DisclosedEvent {
  type: "disclosed";
  conversation: ConversationId;
  log: LogName;
  log_id: string;
  seq: Seq;
  at: Millis;
  by: Sender;
  name: string;
  tags: Array<string>;
  reason: string;
}

/** What this server accepts from this socket. */
export interface Limits {
  max_frame_bytes: number;
  max_text_characters: number;
  frames_per_10_seconds: number;
}

/** How the end user identified. `given` is the only status that means verified; no values here. */
export interface AuthView {
  status: AuthStatus;
  method?: string;
  method_label?: string;
  level?: string;
  at?: Millis;
}

/** The agent of a conversation, as the end user may know them. */
export interface AgentView {
  name: string;
  present: boolean;
}

/** A conversation as its end user sees it. */
export interface EndUserConversation {
  id: ConversationId;
  version: number;
  phase: Phase;
  purpose: string;
  purpose_label: string;
  auth: AuthView;
  agent?: AgentView;
  can_continue_unverified?: boolean;
  end_reason?: EndReason;
  return_url?: string;
}

/** The answer to an end user's `hello`. Missing events follow, then live ones. */
export interface EndUserWelcome {
  type: "welcome";
  protocol?: "idcontact.live.v1";
  server_time: Millis;
  limits: Limits;
  participant: string;
  conversation: EndUserConversation;
}

/** The command is done and stored. `seq` and `at` are those of the event it made, where it made one. */
export interface Ack {
  type: "ack";
  id: CommandId;
  seq?: Seq;
  at?: Millis;
}

/** A frame was refused. `id` is the command's, where it could be read; `field` names the member at fault. */
export interface ErrorFrame {
  type: "error";
  code: ErrorCode;
  message: string;
  id?: string;
  field?: string;
  retry_after_ms?: number;
}

/** The answer to `ping`. */
export interface Pong {
  type: "pong";
  nonce: string;
}

/** The state of a conversation, for its end user. Replaces an earlier one of a lower version. */
export interface ConversationView {
  type: "conversation";
  conversation: EndUserConversation;
}

/** Where a waiting end user is in the queue: 1 is next. `expected_wait`: seconds yet to wait; absent: not known. */
export interface Position {
  type: "position";
  conversation: ConversationId;
  position: number;
  agents_present: number;
  expected_wait?: number;
}

/** The other participant has been shown everything up to `seq`. */
export interface SeenBy {
  type: "seen_by";
  conversation: ConversationId;
  by: Sender;
  seq: Seq;
}

/** The other participant is typing, or has stopped. Good for 6 seconds, and until their next message. */
export interface TypingBy {
  type: "typing_by";
  conversation: ConversationId;
  by: Sender;
  on: boolean;
}

/** Who is logged in at a console. */
export interface StaffMember {
  id: string;
  name: string;
  roles: Array<Role>;
  purposes: Record<string, string>;
  capacity: number;
  status: AgentStatus;
  load: number;
}

/** A conversation as its agent sees it. */
export interface StaffConversation {
  id: ConversationId;
  version: number;
  phase: Phase;
  purpose: string;
  purpose_label: string;
  auth: AuthView;
  agent: string;
  language: string;
  channel: string;
  entered_at: Millis;
  accepted_at: Millis;
  end_user_present: boolean;
  end_user_absent_since?: Millis;
  other_device?: boolean;
  end_reason?: EndReason;
  wrap_up_until?: Millis;
}

/** A conversation offered to this agent until `until`. */
export interface OfferView {
  id: string;
  conversation: ConversationId;
  purpose: string;
  purpose_label: string;
  channel: string;
  language: string;
  entered_at: Millis;
  until: Millis;
  auth: AuthView;
}

/** The answer to a console's `hello`. Missing events of its conversations follow, then live ones. */
export interface StaffWelcome {
  type: "welcome";
  protocol?: "idcontact.live.v1";
  server_time: Millis;
  limits: Limits;
  me: StaffMember;
  conversations: Array<StaffConversation>;
  offers: Array<OfferView>;
}

/** The state of a conversation, for its agent. Replaces an earlier one of a lower version. */
export interface StaffConversationView {
  type: "conversation";
  conversation: StaffConversation;
}

/** This console no longer has part in the conversation. */
export interface ConversationGone {
  type: "conversation_gone";
  conversation: ConversationId;
}

/** One verified attribute, with its label in the agent's language. */
export interface VerifiedAttribute {
  tag: string;
  label: string;
  value: string;
}

/** The verified attributes, for the agent who accepted, from acceptance to the end. */
export interface Attributes {
  type: "attributes";
  conversation: ConversationId;
  method_label: string;
  verified_at: Millis;
  attributes: Array<VerifiedAttribute>;
  level?: string;
}

/** Forget the attributes of this conversation now. */
export interface AttributesGone {
  type: "attributes_gone";
  conversation: ConversationId;
}

/** A conversation is offered to this agent. */
export interface Offer {
  type: "offer";
  offer: OfferView;
}

/** An offer is over. */
export interface OfferGone {
  type: "offer_gone";
  id: string;
  conversation: ConversationId;
  reason: "accepted" | "declined" | "lapsed" | "withdrawn";
}

/** The state of the person at this console. */
export interface Me {
  type: "me";
  me: StaffMember;
  reason?: "missed_offers";
}

/** One waiting conversation, for staff. Nothing here says who the end user is. */
export interface QueueEntry {
  conversation: ConversationId;
  purpose: string;
  channel: string;
  language: string;
  priority: number;
  arrival: number;
  entered_at: Millis;
  state: "waiting" | "offered" | "absent" | "assigned";
  agent?: string;
}

/** One agent, for staff. */
export interface QueueAgent {
  id: string;
  name: string;
  status: AgentStatus;
  present: boolean;
  load: number;
  capacity: number;
  purposes: Array<string>;
  since?: Millis;
}

/** The whole queue and its agents, as this console may see them, at `version`. */
export interface QueueSnapshot {
  type: "queue";
  version: number;
  entries: Array<QueueEntry>;
  agents: Array<QueueAgent>;
}

/** What changed between version `after` and `version`. Members carry the whole entry or agent. */
export interface QueueDelta {
  type: "queue_delta";
  after: number;
  version: number;
  entries?: Array<QueueEntry>;
  entries_gone?: Array<string>;
  agents?: Array<QueueAgent>;
  agents_gone?: Array<string>;
}

export type EndUserFrame =
  | Hello
  | SendMessage
  | Seen
  | Typing
  | EndConversation
  | ContinueUnverified
  | Ping;

export type StaffFrame =
  | Hello
  | SendMessage
  | Seen
  | Typing
  | EndConversation
  | SetStatus
  | AcceptOffer
  | DeclineOffer
  | FinishWrapUp
  | Ping;

export type AnyEvent =
  | MessageEvent
  | QueuedEvent
  | IdentifiedEvent
  | NotIdentifiedEvent
  | UnverifiedEvent
  | JoinedEvent
  | LeftEvent
  | StillThereEvent
  | MaybeLostEvent
  | EndedEvent
  | DisclosedEvent;

export type ToEndUser =
  | EndUserWelcome
  | Ack
  | ErrorFrame
  | Pong
  | MessageEvent
  | QueuedEvent
  | IdentifiedEvent
  | NotIdentifiedEvent
  | UnverifiedEvent
  | JoinedEvent
  | LeftEvent
  | StillThereEvent
  | MaybeLostEvent
  | EndedEvent
  | ConversationView
  | Position
  | SeenBy
  | TypingBy;

export type ToStaff =
  | StaffWelcome
  | Ack
  | ErrorFrame
  | Pong
  | MessageEvent
  | QueuedEvent
  | IdentifiedEvent
  | NotIdentifiedEvent
  | UnverifiedEvent
  | JoinedEvent
  | LeftEvent
  | StillThereEvent
  | MaybeLostEvent
  | EndedEvent
  | DisclosedEvent
  | StaffConversationView
  | ConversationGone
  | SeenBy
  | TypingBy
  | Attributes
  | AttributesGone
  | Offer
  | OfferGone
  | Me
  | QueueSnapshot
  | QueueDelta;
