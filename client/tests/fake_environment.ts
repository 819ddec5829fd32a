import type { Environment, Socket } from "../src/environment.ts";
import type { EndUserFrame, StaffFrame } from "../src/generated/messages.ts";
import type { KeptText } from "../src/outbox.ts";
import type { Way } from "../src/ways.ts";

export type SentFrame = EndUserFrame | StaffFrame;

/** A socket whose other end is the test. */
export class FakeSocket implements Socket {
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  readonly sent: SentFrame[] = [];
  closedWith: number | undefined | "open" = "open";

  send(text: string): void {
    this.sent.push(JSON.parse(text) as SentFrame);
  }

  close(code?: number): void {
    this.closedWith = code;
  }

  opens(): void {
    this.onopen?.(new Event("open"));
  }

  says(...frames: object[]): void {
    for (const frame of frames) this.onmessage?.(new MessageEvent("message", { data: JSON.stringify(frame) }));
  }

  saysText(text: string): void {
    this.onmessage?.(new MessageEvent("message", { data: text }));
  }

  closes(code: number): void {
    this.onclose?.(new CloseEvent("close", { code }));
  }

  /** What the page sent, by type. */
  sentOf<T extends SentFrame["type"]>(type: T): Extract<SentFrame, { type: T }>[] {
    return this.sent.filter((frame): frame is Extract<SentFrame, { type: T }> => frame.type === type);
  }
}

interface Timer {
  at: number;
  callback: () => void;
}

function storageIn(kept: Map<string, string>): KeptText {
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    key: (index) => [...kept.keys()][index] ?? null,
    get length() {
      return kept.size;
    },
  };
}

/** A world whose clock moves only when the test says so. */
export class FakeEnvironment implements Environment {
  readonly sockets: FakeSocket[] = [];
  /** By which way each of them was opened. */
  readonly ways: Way[] = [];
  /** Whether this browser has no WebSocket at all. */
  withoutSockets = false;
  readonly kept = new Map<string, string>();
  readonly storage = storageIn(this.kept);
  #now = 1_000_000;
  #ids = -1;
  readonly #timers = new Set<Timer>();
  readonly #returns = new Set<(clockMoved: boolean) => void>();

  get socket(): FakeSocket {
    const last = this.sockets.at(-1);
    if (last === undefined) throw new Error("no socket was opened");
    return last;
  }

  openSocket(): FakeSocket {
    if (this.withoutSockets) throw new Error("there is no such thing here");
    return this.#open("socket");
  }

  openStream(): FakeSocket {
    return this.#open("stream");
  }

  #open(way: Way): FakeSocket {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    this.ways.push(way);
    return socket;
  }

  now(): number {
    return this.#now;
  }

  random(): number {
    return 0.5;
  }

  newId(): string {
    this.#ids += 1;
    return `c-${this.#ids}`;
  }

  later(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  onReturn(callback: (clockMoved: boolean) => void): () => void {
    this.#returns.add(callback);
    return () => void this.#returns.delete(callback);
  }

  /** The page is shown again, or the network is back. */
  returns(): void {
    for (const callback of this.#returns) callback(false);
  }

  /** The device slept, or its clock was set. */
  clockMoves(ms: number): void {
    this.#now += ms;
    for (const callback of this.#returns) callback(true);
  }

  /** Lets time pass; timers fire in their order. */
  passes(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = due.at;
      due.callback();
    }
    this.#now = until;
  }
}
