import { type KeptText, readFrom, writeTo } from "./outbox.ts";

/** How frames go: over a WebSocket, or where those are blocked over a stream and POSTs. */
export type Way = "socket" | "stream";

const KEY = "idcontact.blocked";
/** So many tries at a WebSocket in a row fail without a word of the server, before a stream is tried. */
const PATIENCE = 2;
/** More than that on a page that had one: most likely it is the server or the network that is away. */
const PATIENCE_OF_OLD = 5;

/**
 * Which way to try next.
 *
 * A WebSocket comes first, always on a new load of the page. A tab that had to do without one gives up on it after a
 * single try. While neither way works they are tried in turn: no page stays with the one that is blocked.
 */
export class Ways {
  readonly #storage: KeptText | undefined;
  #missed = 0;
  #had = false;
  #last: Way = "socket";
  #answered = false;

  constructor(storage: KeptText | undefined) {
    this.#storage = storage;
  }

  next(): Way {
    this.#answered = false;
    if (this.#missed < this.#patience()) this.#last = "socket";
    else this.#last = this.#last === "socket" ? "stream" : "socket";
    return this.#last;
  }

  /** The server was there, whatever it said. */
  worked(): void {
    if (this.#answered) return;
    this.#answered = true;
    if (this.#last === "socket") {
      this.#had = true;
      this.#missed = 0;
      writeTo(this.#storage, KEY, undefined);
    } else {
      // The next loss is one of this way too; a page that had a WebSocket looks again whether it can have one.
      this.#last = this.#had ? "stream" : "socket";
      writeTo(this.#storage, KEY, "1");
    }
  }

  /** It is over without a word of the server. `waited`: until it took too long. A loss later on is none of the way. */
  missed(waited: boolean): void {
    if (!this.#answered && this.#last === "socket") this.#missed += waited ? PATIENCE : 1;
  }

  #patience(): number {
    if (this.#had) return PATIENCE_OF_OLD;
    return readFrom(this.#storage, KEY) === undefined ? PATIENCE : 1;
  }
}
