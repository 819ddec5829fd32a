import type { Socket } from "./environment.ts";

/** What a stream needs of the browser. Tests give it others. */
export interface StreamMeans {
  openEvents(url: string): EventSource;
  post(url: string, init: RequestInit): Promise<Response>;
  pause(ms: number): Promise<void>;
  random(): number;
}

/** Characters in one POST, unless a single frame is longer: four bytes each are well within what the server takes. */
const MOST_CHARACTERS = 16_000;
const LOST = 1006;
/** Before a batch is posted again that was not taken. All of it is shorter than a connection waits for an answer. */
const PAUSES_MS = [300, 600, 1_200, 2_400];
/** Request Timeout, Too Many Requests: of a proxy. */
const TRY_AGAIN = [408, 429];

/**
 * The same frames where WebSockets are blocked: they come as server-sent events and go by POST, batch after batch.
 *
 * Has the face of a WebSocket. A POST that fails for a moment is sent again, under the same number, by which the server
 * takes it once. Any other trouble is a loss: the connection that uses it comes back and says what it has.
 */
export class StreamSocket implements Socket {
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;

  readonly #framesUrl: string;
  readonly #means: StreamMeans;
  readonly #events: EventSource;
  readonly #stopped = new AbortController();
  #token: string | undefined;
  #queued: string[] = [];
  #posting = false;
  #batch = 0;

  /** @param url that of the WebSocket which it stands in for */
  constructor(url: string, means: StreamMeans) {
    this.#framesUrl = beside(url, "frames");
    this.#means = means;
    this.#events = means.openEvents(beside(url, "events"));
    this.#events.addEventListener("ready", (event) => {
      if (event instanceof MessageEvent) this.#opened(String(event.data));
    });
    this.#events.addEventListener("close", (event) => {
      if (event instanceof MessageEvent) this.#over(Number(event.data) || LOST);
    });
    this.#events.onmessage = (event: MessageEvent<unknown>) => this.onmessage?.(event);
    // An EventSource would try again by itself, and know nothing of what to say then.
    this.#events.onerror = () => this.#over(LOST);
  }

  send(text: string): void {
    if (this.#stopped.signal.aborted) return;
    this.#queued.push(text);
    void this.#post();
  }

  close(): void {
    this.#stopped.abort();
    this.#events.close();
    this.#queued = [];
  }

  #opened(token: string): void {
    this.#token = token;
    this.onopen?.(new Event("open"));
  }

  /** One POST at a time: frames are taken in the order in which they were sent. */
  async #post(): Promise<void> {
    if (this.#posting || this.#token === undefined) return;
    this.#posting = true;
    try {
      while (this.#queued.length > 0) await this.#postBatch(this.#token);
    } catch {
      this.#over(LOST);
    } finally {
      this.#posting = false;
    }
  }

  async #postBatch(token: string): Promise<void> {
    this.#batch += 1;
    const init: RequestInit = {
      method: "POST",
      headers: {
        "Content-Type": "text/plain; charset=utf-8",
        "Idcontact-Stream": token,
        "Idcontact-Batch": String(this.#batch),
      },
      body: this.#takeBatch().join("\n"),
      cache: "no-store",
      redirect: "error",
      signal: this.#stopped.signal,
    };
    for (const ms of PAUSES_MS) {
      if (await this.#isTaken(init)) return;
      await this.#means.pause(ms * (0.5 + 0.5 * this.#means.random()));
      this.#stopped.signal.throwIfAborted();
    }
    if (!(await this.#isTaken(init))) throw new Error("the server is not there");
  }

  /** False when it may go better in a moment. */
  async #isTaken(init: RequestInit): Promise<boolean> {
    const answer = await this.#means.post(this.#framesUrl, init).catch(() => undefined);
    this.#stopped.signal.throwIfAborted();
    if (answer === undefined || answer.status >= 500 || TRY_AGAIN.includes(answer.status)) return false;
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return true;
  }

  #takeBatch(): string[] {
    let count = 0;
    let characters = 0;
    for (const frame of this.#queued) {
      characters += frame.length + 1;
      if (count > 0 && characters > MOST_CHARACTERS) break;
      count += 1;
    }
    return this.#queued.splice(0, count);
  }

  #over(code: number): void {
    if (this.#stopped.signal.aborted) return;
    this.close();
    this.onclose?.(new CloseEvent("close", { code }));
  }
}

/** The address beside a socket's: `wss://…/socket?lang=nl` → `https://…/events?lang=nl`. */
function beside(url: string, name: string): string {
  const address = new URL(url);
  address.protocol = address.protocol === "wss:" ? "https:" : "http:";
  address.pathname = address.pathname.replace(/[^/]*$/, name);
  return address.href;
}
