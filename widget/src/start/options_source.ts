import { fetchOptions, type Options, OptionsUnavailable, type Problem, type Question } from "./options.ts";

/** How long an answer is good for while somebody looks at it. */
const REFRESH_MS = 45_000;

/** What came of asking; `again` when it is news of what was answered before. Then `undefined` says nothing came. */
export interface Listener {
  answered: (options: Options) => void;
  failed: (problem: Problem) => void;
  refreshed: (options: Options | undefined) => void;
}

/**
 * Asks the core what can be chosen, and again from time to time while the page is looked at. An answer to an earlier
 * question is dropped; nothing is asked while the element stands in no page.
 */
export class OptionsSource {
  readonly #listener: Listener;
  #question: Question | undefined;
  #asking: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #connected = false;
  #hasAnswer = false;
  #askedAt = 0;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** The element stands in a page, or again. */
  connect(): void {
    this.#connected = true;
    document.addEventListener("visibilitychange", this.#seen);
    if (this.#question === undefined) return;
    void (this.#hasAnswer ? this.#refresh() : this.#ask(this.#question));
  }

  disconnect(): void {
    this.#connected = false;
    document.removeEventListener("visibilitychange", this.#seen);
    this.#stop();
  }

  /** Ask this from now on; nothing at all when it is undefined. */
  ask(question: Question | undefined): void {
    this.#stop();
    this.#question = question;
    this.#hasAnswer = false;
    if (question !== undefined && this.#connected) void this.#ask(question);
  }

  async #ask(question: Question): Promise<void> {
    const { signal } = this.#begin();
    try {
      const options = await fetchOptions(question, signal);
      if (signal.aborted) return;
      this.#hasAnswer = true;
      this.#listener.answered(options);
      this.#later();
    } catch (error) {
      if (!signal.aborted) this.#listener.failed(error instanceof OptionsUnavailable ? error.problem : "failing");
    }
  }

  async #refresh(): Promise<void> {
    if (this.#question === undefined) return;
    const { signal } = this.#begin();
    // What was true a while ago is not said any longer when nothing comes.
    const options = await fetchOptions(this.#question, signal).catch(() => undefined);
    if (signal.aborted) return;
    this.#listener.refreshed(options);
    this.#later();
  }

  #begin(): AbortController {
    this.#stop();
    this.#askedAt = Date.now();
    this.#asking = new AbortController();
    return this.#asking;
  }

  #later(): void {
    this.#timer = setTimeout(() => {
      // Nobody looks: the answer comes when they do.
      if (document.visibilityState === "visible") void this.#refresh();
    }, REFRESH_MS);
  }

  #stop(): void {
    this.#asking?.abort();
    clearTimeout(this.#timer);
  }

  readonly #seen = () => {
    const old = Date.now() - this.#askedAt >= REFRESH_MS;
    if (document.visibilityState === "visible" && this.#hasAnswer && old) void this.#refresh();
  };
}
