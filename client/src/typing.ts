import type { Environment } from "./environment.ts";
import type { Sender, ToEndUser, ToStaff } from "./generated/messages.ts";

/** The other side shows it for twice as long: one that gets lost is not missed. */
const AGAIN_AFTER_MS = 3_000;
/** For how long somebody types after it was last heard. */
export const TYPING_LASTS_MS = 6_000;

/**
 * Who types, in the conversations of one page: its own person, which is told now and then and when they stop; and
 * those on the other side, until they are heard of no more.
 */
export class Typing {
  readonly #environment: Environment;
  readonly #tell: (conversation: string, on: boolean) => void;
  readonly #changed: () => void;
  readonly #others = new Map<string, () => void>();
  #where: string | undefined;
  #toldAt = 0;

  constructor(environment: Environment, tell: (conversation: string, on: boolean) => void, changed: () => void) {
    this.#environment = environment;
    this.#tell = tell;
    this.#changed = changed;
  }

  /** What stands in the box has changed. White space alone is nothing to be sent. */
  typed(conversation: string, text: string): void {
    if (text.trim() === "") this.#stopped(conversation);
    else this.#goesOn(conversation);
  }

  /** The message itself says so. */
  sent(conversation: string): void {
    if (this.#where === conversation) this.#where = undefined;
  }

  #goesOn(conversation: string): void {
    const since = this.#environment.now() - this.#toldAt;
    if (this.#where === conversation && since >= 0 && since < AGAIN_AFTER_MS) return;
    this.#where = conversation;
    this.#toldAt = this.#environment.now();
    this.#tell(conversation, true);
  }

  #stopped(conversation: string): void {
    if (this.#where !== conversation) return;
    this.#where = undefined;
    this.#tell(conversation, false);
  }

  /** Whether the other side of this conversation types. */
  heardIn(conversation: string): boolean {
    return this.#others.has(conversation);
  }

  /** What the server says; `other` is who is on the other side of this page. */
  frameArrived(frame: ToEndUser | ToStaff, other: Sender): void {
    if (frame.type === "typing_by") this.#heard(frame.conversation, frame.on);
    else if (frame.type === "message" && frame.by === other) this.#heard(frame.conversation, false);
  }

  #heard(conversation: string, on: boolean): void {
    if (!on && !this.heardIn(conversation)) return;
    this.#others.get(conversation)?.();
    this.#others.delete(conversation);
    if (on) {
      const over = this.#environment.later(TYPING_LASTS_MS, () => this.#heard(conversation, false));
      this.#others.set(conversation, over);
    }
    this.#changed();
  }

  /** The connection is another one, or none: nobody is known to type, and it has to be told anew. */
  forget(): void {
    for (const conversation of [...this.#others.keys()]) this.#heard(conversation, false);
    this.#where = undefined;
  }
}
