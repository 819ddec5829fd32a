import type { Environment, Socket } from "./environment.ts";
import type {
  Ack,
  AnyEvent,
  EndUserFrame,
  ErrorCode,
  ErrorFrame,
  SendMessage,
  StaffFrame,
} from "./generated/messages.ts";
import { PROTOCOL } from "./generated/messages.ts";
import { LogCursors } from "./log_cursors.ts";
import { type CommandFrame, Outbox } from "./outbox.ts";
import { isOfServer, type StopReason, verdictOn } from "./reconnect.ts";
import { isEvent, parseFrame, type ServerFrame } from "./server_frame.ts";
import { Ways } from "./ways.ts";

/** A command before it has an id. */
export type WithoutId<C> = C extends CommandFrame ? Omit<C, "id"> : never;

export type ConnectionStatus =
  | { kind: "connecting" }
  | { kind: "online" }
  | { kind: "offline"; nextTryAt: number }
  | { kind: "stopped"; reason: StopReason };

/** The server refused a command. `code` is for programs; `message` for whoever debugs. */
export class CommandRefused extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = "CommandRefused";
    this.code = code;
  }
}

/** The connection was stopped for good before the command was answered. */
export class ConnectionStopped extends Error {
  constructor() {
    super("the connection was stopped");
    this.name = "ConnectionStopped";
  }
}

/** Who uses a connection. Frames come in the order of their logs, each event once. */
export interface ConnectionListener<F extends ServerFrame> {
  frameArrived(frame: F): void;
  statusChanged(status: ConnectionStatus): void;
  /** Messages that an earlier load of this page could not deliver; they are sent again from here on. */
  messagesRestored(messages: SendMessage[]): void;
  /** Under which name this page's unsent messages are kept in this tab, once the welcome says who is here. */
  scopeOf(welcome: Extract<F, { type: "welcome" }>): string;
}

interface Waiting {
  resolve(ack: Ack): void;
  reject(reason: Error): void;
}

/** RFC 6455: closed without a closing frame. */
const LOST = 1006;
const PING_EVERY_MS = 20_000;
const ANSWER_WITHIN_MS = 10_000;
const PROBE_ANSWER_WITHIN_MS = 5_000;
const RETRY_COMMAND_MS = 2_000;
/** A connection that lasted this long was a good one: the next loss is not held against it. */
const STEADY_AFTER_MS = 5_000;
/** So many gaps in a row that asking again did not close: something is broken, start over. */
const MOST_RESYNCS = 3;
/** Two pings without any answer: nobody is there. */
const MOST_UNANSWERED = 2;

/**
 * The one socket of a page: opens it, says what it has, keeps it alive, comes back after a loss.
 *
 * To its user nothing is lost or doubled: events are handed on in order, each once; a command is sent until it is
 * answered, under one id.
 */
export class Connection<F extends ServerFrame> {
  readonly #url: string;
  readonly #listener: ConnectionListener<F>;
  readonly #environment: Environment;
  /** With the number of the try: a hello that comes late is known from one of this page that came since. */
  readonly #page: string;
  readonly #cursors = new LogCursors();
  readonly #outbox: Outbox;
  readonly #ways: Ways;
  readonly #waiting = new Map<string, Waiting>();

  #socket: Socket | undefined;
  #attempt = 0;
  #welcomed = false;
  #stopped = false;
  #failures = 0;
  #resyncs = 0;
  #unanswered = 0;
  #welcomedAt = 0;
  readonly #postponed = new Set<string>();
  #cancelReconnect = () => {};
  #cancelDeadline = () => {};
  #cancelPing = () => {};
  #cancelRetry = () => {};
  #cancelCommandCheck = () => {};
  #stopListening = () => {};

  constructor(url: string, listener: ConnectionListener<F>, environment: Environment) {
    this.#url = url;
    this.#listener = listener;
    this.#environment = environment;
    this.#page = environment.newId();
    this.#outbox = new Outbox(environment.storage);
    this.#ways = new Ways(environment.storage);
  }

  start(): void {
    this.#stopped = false;
    this.#stopListening = this.#environment.onReturn((clockMoved) => this.#returned(clockMoved));
    this.#listener.statusChanged({ kind: "connecting" });
    this.#connect();
  }

  /** Closes the socket and does not come back. Unsent messages stay in the tab's storage. */
  stop(): void {
    this.#end();
    this.#socket?.close(1000);
    this.#letGo();
  }

  /** Sends a command, now or as soon as there is a connection. Rejects with CommandRefused or ConnectionStopped. */
  send(command: WithoutId<CommandFrame>, id = this.#environment.newId()): Promise<Ack> {
    const answer = this.answerTo(id);
    this.#outbox.add({ ...command, id } as CommandFrame);
    this.#flush();
    return answer;
  }

  /** Waits for the answer to a command, also one that was restored after a reload. */
  answerTo(id: string): Promise<Ack> {
    if (this.#stopped) return Promise.reject(new ConnectionStopped());
    return new Promise<Ack>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  /** Tells what was shown. May be lost: the next one says it all again. */
  seen(conversation: string, seq: number): void {
    if (this.#welcomed) this.#transmit({ type: "seen", conversation, seq });
  }

  /** Tells that this page's person types, or has stopped. May be lost. */
  typing(conversation: string, on: boolean): void {
    if (this.#welcomed) this.#transmit({ type: "typing", conversation, on });
  }

  /** Asks the server for everything again, from what this page has. */
  resync(): void {
    if (!this.#welcomed) return;
    this.#welcomed = false;
    this.#hello();
  }

  /** Makes sure somebody is there, at once: after sleep, a change of network, a hidden tab. */
  check(): void {
    if (this.#stopped) return;
    if (this.#socket === undefined) {
      this.#cancelReconnect();
      this.#connect();
    } else if (this.#welcomed) {
      this.#transmit({ type: "ping", nonce: "check" });
      this.#expectAnswer(PROBE_ANSWER_WITHIN_MS);
    }
  }

  /** Forgets unsent messages, also those kept for a reload, whoever's: somebody logs out, or can never come back. */
  forgetUnsent(): void {
    this.#outbox.close();
  }

  // --- the socket ----------------------------------------------------------------------------------------------------

  #connect(): void {
    this.#attempt += 1;
    let socket: Socket;
    try {
      socket = this.#open();
    } catch {
      this.#closed(LOST);
      return;
    }
    this.#socket = socket;
    socket.onopen = () => this.#hello();
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = ({ code }) => this.#closed(code);
    this.#expectAnswer(ANSWER_WITHIN_MS);
  }

  #open(): Socket {
    if (this.#ways.next() === "stream") return this.#environment.openStream(this.#url);
    return this.#environment.openSocket(this.#url, PROTOCOL);
  }

  #hello(): void {
    this.#transmit({ type: "hello", have: this.#cursors.have(), page: this.#page, attempt: this.#attempt });
    this.#expectAnswer(ANSWER_WITHIN_MS);
  }

  #transmit(frame: EndUserFrame | StaffFrame): void {
    this.#socket?.send(JSON.stringify(frame));
  }

  #closed(code: number, waited = false): void {
    if (isOfServer(code)) this.#ways.worked();
    else this.#ways.missed(waited);
    if (this.#welcomed && this.#environment.now() - this.#welcomedAt > STEADY_AFTER_MS) this.#failures = 0;
    this.#letGo();
    if (this.#stopped) return;
    const verdict = verdictOn(code, this.#failures, this.#environment.random());
    this.#failures += 1;
    if (verdict.kind === "stop") {
      this.#end();
      this.#listener.statusChanged({ kind: "stopped", reason: verdict.reason });
      return;
    }
    const nextTryAt = this.#environment.now() + verdict.afterMs;
    this.#cancelReconnect = this.#environment.later(verdict.afterMs, () => this.#connect());
    this.#listener.statusChanged({ kind: "offline", nextTryAt });
  }

  /** Gives up a socket that does not answer, without waiting for its closing handshake: that can take minutes. */
  #drop(): void {
    this.#socket?.close();
    this.#closed(LOST, true);
  }

  /** Takes the socket's events away from this connection. */
  #letGo(): void {
    this.#cancelDeadline();
    this.#cancelPing();
    this.#cancelRetry();
    this.#cancelCommandCheck();
    this.#postponed.clear();
    if (this.#socket !== undefined) {
      this.#socket.onopen = null;
      this.#socket.onmessage = null;
      this.#socket.onclose = null;
    }
    this.#socket = undefined;
    this.#welcomed = false;
    this.#unanswered = 0;
    this.#outbox.unsend();
  }

  #end(): void {
    this.#stopped = true;
    this.#cancelReconnect();
    this.#stopListening();
    for (const waiting of this.#waiting.values()) waiting.reject(new ConnectionStopped());
    this.#waiting.clear();
  }

  // --- is anybody there ----------------------------------------------------------------------------------------------

  #returned(clockMoved: boolean): void {
    if (clockMoved && this.#welcomed) {
      this.resync(); // the welcome says what time it is
      this.#expectAnswer(PROBE_ANSWER_WITHIN_MS);
    } else {
      this.check();
    }
  }

  /**
   * Only what answers this page counts. Events may go on coming over a connection whose other direction is lost; and who
   * said hello waits for the welcome, whatever else is answered.
   */
  #answerCame(): void {
    this.#unanswered = 0;
    if (this.#welcomed) this.#cancelDeadline();
  }

  #expectAnswer(withinMs: number): void {
    this.#cancelDeadline();
    this.#cancelDeadline = this.#environment.later(withinMs, () => this.#drop());
  }

  /**
   * Counts pings without an answer instead of comparing clocks: a hidden tab's timers may come a minute late, and that
   * is no reason to drop a good connection.
   */
  #pingLater(): void {
    this.#cancelPing();
    this.#cancelPing = this.#environment.later(PING_EVERY_MS, () => {
      if (this.#unanswered >= MOST_UNANSWERED) {
        this.#drop();
        return;
      }
      this.#unanswered += 1;
      this.#transmit({ type: "ping", nonce: String(this.#unanswered) });
      this.#pingLater();
    });
  }

  // --- what the server says ------------------------------------------------------------------------------------------

  #received(data: unknown): void {
    const frame = parseFrame<F>(data);
    if (frame === undefined) return;
    if (isEvent(frame)) this.#eventArrived(frame);
    else this.#handle(frame);
  }

  #handle(frame: ServerFrame): void {
    switch (frame.type) {
      case "welcome":
        this.#welcome(frame as Extract<F, { type: "welcome" }>);
        return;
      case "ack":
        this.#answerCame();
        this.#answered(frame.id, (waiting) => waiting.resolve(frame));
        break;
      case "error":
        this.#answerCame();
        this.#refused(frame);
        break;
      case "pong":
        this.#answerCame();
        return;
      case "conversation_gone":
        this.#cursors.forget(frame.conversation);
        break;
      default:
    }
    this.#listener.frameArrived(frame as F);
  }

  #welcome(frame: Extract<F, { type: "welcome" }>): void {
    this.#welcomed = true;
    this.#welcomedAt = this.#environment.now();
    this.#ways.worked();
    this.#answerCame();
    if ("conversations" in frame) this.#cursors.keepOnly(frame.conversations.map(({ id }) => id));
    this.#listener.frameArrived(frame as F);
    const restored = this.#outbox.restore(this.#listener.scopeOf(frame));
    if (restored.length > 0) this.#listener.messagesRestored(restored);
    this.#listener.statusChanged({ kind: "online" });
    this.#pingLater();
    this.#flush();
  }

  #eventArrived(event: AnyEvent): void {
    const order = this.#cursors.take(event);
    if (order === "next") {
      this.#resyncs = 0;
      this.#listener.frameArrived(event as F);
    } else if (order === "gap" && this.#welcomed) {
      this.#resyncs += 1;
      if (this.#resyncs > MOST_RESYNCS) this.#drop();
      else this.resync();
    }
  }

  // --- commands ------------------------------------------------------------------------------------------------------

  #flush(): void {
    if (!this.#welcomed) return;
    const commands = this.#outbox.take();
    if (commands.length === 0) return;
    for (const command of commands) this.#transmit(command);
    this.#cancelCommandCheck();
    this.#cancelCommandCheck = this.#environment.later(ANSWER_WITHIN_MS, () => this.check());
  }

  #answered(id: string, settle: (waiting: Waiting) => void): void {
    this.#cancelCommandCheck();
    this.#outbox.remove(id);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting !== undefined) settle(waiting);
    this.#flush();
  }

  #refused(frame: ErrorFrame): void {
    if (frame.code === "hello_expected") this.#hello();
    if (frame.id === undefined) return;
    if (frame.code === "unavailable" || frame.code === "rate_limited" || frame.code === "hello_expected") {
      this.#retry(frame.id, frame.retry_after_ms ?? RETRY_COMMAND_MS);
    } else {
      this.#answered(frame.id, (waiting) => waiting.reject(new CommandRefused(frame.code, frame.message)));
    }
  }

  /** Nothing was acknowledged: the same command, under the same id, a little later. */
  #retry(id: string, afterMs: number): void {
    this.#cancelCommandCheck();
    this.#postponed.add(id);
    this.#cancelRetry();
    this.#cancelRetry = this.#environment.later(afterMs, () => {
      for (const postponed of this.#postponed) this.#outbox.postpone(postponed);
      this.#postponed.clear();
      this.#flush();
    });
  }
}
