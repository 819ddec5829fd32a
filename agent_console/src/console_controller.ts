import type { ReactiveController, ReactiveControllerHost } from "lit";
import {
  CommandRefused,
  Connection,
  type ConnectionListener,
  type ConnectionStatus,
  ConnectionStopped,
  type WithoutId,
} from "../../client/src/connection.ts";
import { type OutgoingMessage, remembered } from "../../client/src/conversation_log.ts";
import { browserEnvironment, type Environment, forgetTab } from "../../client/src/environment.ts";
import type {
  AgentStatus,
  OfferView,
  SendMessage,
  StaffConversation,
  StaffWelcome,
  ToStaff,
} from "../../client/src/generated/messages.ts";
import { type CommandFrame, DRAFT_PREFIX, readFrom, removeKept, writeTo } from "../../client/src/outbox.ts";
import { SaidMemory } from "../../client/src/said_memory.ts";
import { Typing } from "../../client/src/typing.ts";
import {
  type Call,
  type ConsoleState,
  callOf,
  INITIAL_STATE,
  type Input,
  isOfAgent,
  logOf,
  reduce,
} from "./console_state.ts";

export interface ConsoleHost extends ReactiveControllerHost {
  /** Address of the socket. Asked for when the element is in the page. */
  socketUrl(): string;
  callForAttention(call: Call): void;
  /** An offer was accepted: its conversation is the one to look at now. */
  accepted(conversation: string): void;
}

/** What went wrong with the last thing that was asked for: an offer that was gone already, or anything else. */
export type Failure = "offer_gone" | "other";

const SHOWN_KEY = "idcontact.shown";

/** Owns the socket and the state of the console; its elements only render, and ask it for things. */
export class ConsoleController implements ReactiveController, ConnectionListener<ToStaff> {
  state: ConsoleState;
  status: ConnectionStatus = { kind: "connecting" };
  failure: Failure | undefined;
  /** Offers that were answered here and not yet confirmed. */
  readonly answering = new Set<string>();

  readonly #host: ConsoleHost;
  readonly #environment: Environment;
  readonly #memory: SaidMemory;
  readonly #typing: Typing;
  #connection: Connection<ToStaff> | undefined;

  constructor(host: ConsoleHost, environment: Environment = browserEnvironment()) {
    this.#host = host;
    this.#environment = environment;
    this.#memory = new SaidMemory(environment.storage);
    const tell = (conversation: string, on: boolean) => this.#connection?.typing(conversation, on);
    this.#typing = new Typing(environment, tell, () => host.requestUpdate());
    this.state = { ...INITIAL_STATE, shown: shownBefore(readFrom(environment.storage, SHOWN_KEY)) };
    host.addController(this);
  }

  hostConnected(): void {
    this.#connection = new Connection<ToStaff>(this.#host.socketUrl(), this, this.#environment);
    this.#connection.start();
  }

  hostDisconnected(): void {
    this.#connection?.stop();
    this.#connection = undefined;
  }

  /** By the clock of the store, in milliseconds. */
  get now(): number {
    return this.#environment.now() + this.state.clockOffset;
  }

  /** Whether the end user of this conversation is typing. */
  otherTypes({ id, phase }: StaffConversation): boolean {
    return phase === "active" && this.#typing.heardIn(id);
  }

  // --- what the agent does -------------------------------------------------------------------------------------------

  setStatus(status: AgentStatus): Promise<boolean> {
    return this.#ask({ type: "set_status", status }, "other");
  }

  async accept({ id, conversation }: OfferView): Promise<void> {
    this.answering.add(id);
    if (await this.#ask({ type: "accept", conversation, offer: id }, "offer_gone")) this.#host.accepted(conversation);
    this.answering.delete(id);
  }

  async decline({ id, conversation }: OfferView): Promise<void> {
    this.answering.add(id);
    await this.#ask({ type: "decline", conversation, offer: id }, "offer_gone");
    this.answering.delete(id);
  }

  say(conversation: string, text: string): void {
    if (this.#connection === undefined) return;
    const id = this.#environment.newId();
    this.#typing.sent(conversation);
    this.#dispatch({ kind: "submitted", message: { id, conversation, text } });
    void this.#settle(conversation, id, this.#connection.send({ type: "send", conversation, text }, id));
  }

  typed(conversation: string, text: string): void {
    this.#typing.typed(conversation, text);
  }

  retry(conversation: string, message: OutgoingMessage): void {
    this.withdraw(conversation, message);
    this.say(conversation, message.text);
  }

  withdraw(conversation: string, { id }: OutgoingMessage): void {
    this.#dispatch({ kind: "withdrawn", conversation, id });
  }

  end(conversation: string): Promise<boolean> {
    return this.#ask({ type: "end", conversation }, "other");
  }

  finish(conversation: string): Promise<boolean> {
    return this.#ask({ type: "finish", conversation }, "other");
  }

  seen(conversation: string, seq: number): void {
    if ((this.state.shown.get(conversation) ?? 0) >= seq || this.status.kind !== "online") return;
    this.#connection?.seen(conversation, seq);
    this.#dispatch({ kind: "shown", conversation, seq });
    writeTo(this.#environment.storage, SHOWN_KEY, JSON.stringify([...this.state.shown]));
  }

  /** Nothing of this person stays in the tab. */
  logOut(): void {
    this.#connection?.forgetUnsent();
    this.#memory.close();
    forgetTab();
  }

  // --- what the connection says --------------------------------------------------------------------------------------

  frameArrived(frame: ToStaff): void {
    this.#dispatch({ kind: "frame", frame, now: this.#environment.now() });
    this.#typing.frameArrived(frame, "end_user");
    if (frame.type === "welcome") this.#recall(frame);
    if (this.state.queue?.broken === true && frame.type === "queue_delta") this.#connection?.resync();
  }

  /**
   * Where the log-in is over, who sits here next may be somebody else. Messages that were never sent stay in this tab all
   * the same: a log-in also lapses in the middle of a sentence. They wait for the next welcome: the same agent's sends
   * them, anybody else's removes them. Where another page has the place of this one, all that is kept waits so.
   */
  statusChanged(status: ConnectionStatus): void {
    this.status = status;
    if (status.kind !== "online") this.#typing.forget();
    if (status.kind === "stopped") {
      if (status.reason === "not_authenticated") this.#memory.close();
      this.#dispatch({ kind: "stopped" });
    }
    this.#host.requestUpdate();
  }

  messagesRestored(messages: SendMessage[]): void {
    for (const message of messages) {
      this.#dispatch({ kind: "submitted", message });
      if (this.#connection === undefined) continue;
      void this.#settle(message.conversation, message.id, this.#connection.answerTo(message.id));
    }
  }

  scopeOf(welcome: StaffWelcome): string {
    return `staff.${welcome.me.id}`;
  }

  async #settle(conversation: string, id: string, answer: ReturnType<Connection<ToStaff>["send"]>): Promise<void> {
    try {
      this.#dispatch({ kind: "acknowledged", conversation, ack: await answer });
    } catch {
      this.#dispatch({ kind: "refused", conversation, id });
    }
  }

  /** Whether it was done. Where the connection was stopped, the page says so already. */
  async #ask(command: WithoutId<CommandFrame>, refusal: Failure): Promise<boolean> {
    if (this.#connection === undefined) return false;
    this.failure = undefined;
    this.#host.requestUpdate();
    try {
      await this.#connection.send(command);
      return true;
    } catch (error) {
      if (error instanceof CommandRefused) this.failure = refusal;
      else if (!(error instanceof ConnectionStopped)) throw error;
      return false;
    } finally {
      this.#host.requestUpdate();
    }
  }

  #dispatch(input: Input): void {
    const before = this.state;
    this.state = reduce(before, input);
    const call = callOf(before, this.state);
    if (call !== undefined) this.#host.callForAttention(call);
    if (before.logs !== this.state.logs || before.conversations !== this.state.conversations) this.#remember();
    this.#host.requestUpdate();
  }

  #recall(welcome: StaffWelcome): void {
    removeKept(this.#environment.storage, DRAFT_PREFIX, [...this.state.conversations.keys()]);
    for (const [conversation, said] of this.#memory.restore(this.scopeOf(welcome))) {
      if (this.state.conversations.has(conversation)) this.#dispatch({ kind: "remembered", conversation, said });
    }
    this.#remember();
  }

  /** Of conversations that are over, or a colleague's by now, this tab keeps nothing. */
  #remember(): void {
    const active = [...this.state.conversations.values()].filter(({ phase }) => phase === "active");
    this.#memory.keep(new Map(active.map(({ id }) => [id, remembered(logOf(this.state, id), isOfAgent)])));
  }
}

/** What was shown before a reload of this page. */
function shownBefore(text: string | undefined): ReadonlyMap<string, number> {
  try {
    const parsed: unknown = JSON.parse(text ?? "[]");
    return new Map(Array.isArray(parsed) ? parsed.filter(isPair) : []);
  } catch {
    return new Map();
  }
}

function isPair(value: unknown): value is [string, number] {
  return Array.isArray(value) && typeof value[0] === "string" && typeof value[1] === "number";
}
