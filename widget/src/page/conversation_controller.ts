import type { ReactiveController, ReactiveControllerHost } from "lit";
import {
  Connection,
  type ConnectionListener,
  type ConnectionStatus,
  ConnectionStopped,
} from "../../../client/src/connection.ts";
import { type OutgoingMessage, remembered } from "../../../client/src/conversation_log.ts";
import {
  type Call,
  type ConversationState,
  callOf,
  INITIAL_STATE,
  type Input,
  isOfEndUser,
  pageOf,
  reduce,
} from "../../../client/src/conversation_state.ts";
import { browserEnvironment, type Environment } from "../../../client/src/environment.ts";
import type { EndUserWelcome, SendMessage, ToEndUser } from "../../../client/src/generated/messages.ts";
import { DRAFT_PREFIX, removeKept } from "../../../client/src/outbox.ts";
import { SaidMemory } from "../../../client/src/said_memory.ts";
import { Typing } from "../../../client/src/typing.ts";

export interface ConversationHost extends ReactiveControllerHost {
  /** Address of the socket. Asked for when the element is in the page. */
  socketUrl(): string;
  callForAttention(call: Call): void;
}

/** Owns the socket and the state of the end user's page; the page only renders, and asks it for things. */
export class ConversationController implements ReactiveController, ConnectionListener<ToEndUser> {
  state: ConversationState = INITIAL_STATE;
  status: ConnectionStatus = { kind: "connecting" };
  /** The last thing that was asked for, other than a message, did not work. */
  failed = false;

  readonly #host: ConversationHost;
  readonly #environment: Environment;
  readonly #memory: SaidMemory;
  readonly #typing: Typing;
  #connection: Connection<ToEndUser> | undefined;

  constructor(host: ConversationHost, environment: Environment = browserEnvironment()) {
    this.#host = host;
    this.#environment = environment;
    this.#memory = new SaidMemory(environment.storage);
    const tell = (conversation: string, on: boolean) => this.#connection?.typing(conversation, on);
    this.#typing = new Typing(environment, tell, () => host.requestUpdate());
    host.addController(this);
  }

  hostConnected(): void {
    this.#connection = new Connection<ToEndUser>(this.#host.socketUrl(), this, this.#environment);
    this.#connection.start();
  }

  hostDisconnected(): void {
    this.#connection?.stop();
    this.#connection = undefined;
  }

  /** Whether the agent is typing. */
  get otherTypes(): boolean {
    const conversation = this.state.conversation?.id;
    return conversation !== undefined && pageOf(this.state) === "talking" && this.#typing.heardIn(conversation);
  }

  // --- what the person does ------------------------------------------------------------------------------------------

  say(text: string): void {
    const conversation = this.state.conversation?.id;
    if (conversation === undefined || this.#connection === undefined) return;
    const id = this.#environment.newId();
    this.#typing.sent(conversation);
    this.#dispatch({ kind: "submitted", messages: [{ id, text }] });
    void this.#settle(id, this.#connection.send({ type: "send", conversation, text }, id));
  }

  typed(text: string): void {
    const conversation = this.state.conversation?.id;
    if (conversation !== undefined) this.#typing.typed(conversation, text);
  }

  retry(message: OutgoingMessage): void {
    this.withdraw(message);
    this.say(message.text);
  }

  withdraw(message: OutgoingMessage): void {
    this.#dispatch({ kind: "withdrawn", id: message.id });
  }

  end(): Promise<void> {
    return this.#ask("end");
  }

  continueUnverified(): Promise<void> {
    return this.#ask("continue_unverified");
  }

  seen(seq: number): void {
    const conversation = this.state.conversation?.id;
    if (conversation !== undefined && seq > 0) this.#connection?.seen(conversation, seq);
  }

  // --- what the connection says --------------------------------------------------------------------------------------

  frameArrived(frame: ToEndUser): void {
    this.#dispatch({ kind: "frame", frame, now: this.#environment.now() });
    this.#typing.frameArrived(frame, "agent");
    if (frame.type !== "welcome") return;
    removeKept(this.#environment.storage, DRAFT_PREFIX, [frame.conversation.id]);
    const said = this.#memory.restore(this.scopeOf(frame)).get(frame.conversation.id) ?? [];
    if (said.length > 0) this.#dispatch({ kind: "remembered", said });
  }

  statusChanged(status: ConnectionStatus): void {
    this.status = status;
    if (status.kind !== "online") this.#typing.forget();
    const reason = status.kind === "stopped" ? status.reason : undefined;
    if (reason === "gone" || reason === "not_authenticated") this.#forgetAll();
    if (reason === "gone") this.#dispatch({ kind: "gone" });
    this.#host.requestUpdate();
  }

  /** Nobody comes back to this conversation from here; nor is it known whose texts an earlier load of a page left. */
  #forgetAll(): void {
    this.#connection?.forgetUnsent();
    this.#memory.close();
    removeKept(this.#environment.storage, DRAFT_PREFIX);
  }

  messagesRestored(messages: SendMessage[]): void {
    this.#dispatch({ kind: "submitted", messages });
    for (const { id } of messages) {
      if (this.#connection !== undefined) void this.#settle(id, this.#connection.answerTo(id));
    }
  }

  scopeOf(welcome: EndUserWelcome): string {
    return welcome.conversation.id;
  }

  async #settle(id: string, answer: ReturnType<Connection<ToEndUser>["send"]>): Promise<void> {
    try {
      this.#dispatch({ kind: "acknowledged", ack: await answer });
    } catch {
      this.#dispatch({ kind: "refused", id });
    }
  }

  async #ask(type: "end" | "continue_unverified"): Promise<void> {
    const conversation = this.state.conversation?.id;
    if (conversation === undefined || this.#connection === undefined) return;
    this.failed = false;
    this.#host.requestUpdate();
    try {
      await this.#connection.send({ type, conversation });
    } catch (error) {
      // Where the connection was stopped, the page says so already.
      this.failed = !(error instanceof ConnectionStopped);
      this.#host.requestUpdate();
    }
  }

  #dispatch(input: Input): void {
    const before = this.state;
    this.state = reduce(before, input);
    const call = callOf(before, this.state);
    if (call !== undefined) this.#host.callForAttention(call);
    const { log, conversation, gone } = before;
    if (log !== this.state.log || conversation !== this.state.conversation || gone !== this.state.gone)
      this.#remember();
    this.#host.requestUpdate();
  }

  /** Once the conversation is over, this tab keeps nothing of it. */
  #remember(): void {
    const { conversation, log } = this.state;
    if (conversation === undefined) return;
    const said = pageOf(this.state) === "ended" ? [] : remembered(log, isOfEndUser);
    this.#memory.keep(new Map([[conversation.id, said]]));
  }
}
