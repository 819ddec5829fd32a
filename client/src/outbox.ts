import type { EndUserFrame, SendMessage, StaffFrame } from "./generated/messages.ts";

/** A frame that the server answers with exactly one `ack` or `error`. */
export type CommandFrame = Extract<EndUserFrame | StaffFrame, { id: string }>;

/** The part of `Storage` that is used; absent where the browser denies it (frames, private windows). */
export type KeptText = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

/** Before the name of a conversation: what was typed there and not said. */
export const DRAFT_PREFIX = "idcontact.draft.";

const PREFIX = "idcontact.outbox.";

interface Entry {
  command: CommandFrame;
  sent: boolean;
}

/**
 * Commands that have no answer yet, in order.
 *
 * Per conversation only the first is under way, so that what a person says arrives in the order they said it, also when
 * one of them has to be tried again. A command keeps its id however often it is sent: the server acts on it once.
 * Messages survive a reload; other commands do not, because nobody expects a reload to press a button.
 */
export class Outbox {
  #entries: Entry[] = [];
  readonly #storage: KeptText | undefined;
  #key: string | undefined;

  constructor(storage: KeptText | undefined) {
    this.#storage = storage;
  }

  /**
   * Takes up what an earlier load of this page left under `scope`; returns it. Later changes are kept there. What was
   * left under any other scope is removed: who was in this tab before may have been somebody else.
   */
  restore(scope: string): SendMessage[] {
    const key = PREFIX + scope;
    if (key === this.#key) return [];
    this.#key = key;
    removeKept(this.#storage, PREFIX, [scope]);
    const kept = parseMessages(readFrom(this.#storage, this.#key));
    this.#entries = [...kept.map((command) => ({ command, sent: false })), ...this.#entries];
    this.#keep();
    return kept;
  }

  add(command: CommandFrame): void {
    this.#entries.push({ command, sent: false });
    this.#keep();
  }

  /** The commands to send now; they count as sent from here on. */
  take(): CommandFrame[] {
    const taken: CommandFrame[] = [];
    const lanes = new Set<string>();
    for (const entry of this.#entries) {
      const lane = laneOf(entry.command);
      if (!lanes.has(lane) && !entry.sent) {
        entry.sent = true;
        taken.push(entry.command);
      }
      lanes.add(lane);
    }
    return taken;
  }

  /** The connection is gone: whatever has no answer is to be sent again. */
  unsend(): void {
    for (const entry of this.#entries) entry.sent = false;
  }

  /** Answered. False for a command that is not, or no longer, here. */
  remove(id: string): boolean {
    const before = this.#entries.length;
    this.#entries = this.#entries.filter((entry) => entry.command.id !== id);
    this.#keep();
    return this.#entries.length < before;
  }

  /** The server could not do it now: it is to be sent again. */
  postpone(id: string): void {
    for (const entry of this.#entries) {
      if (entry.command.id === id) entry.sent = false;
    }
  }

  /** Forgets all, also what earlier loads left in this tab under whatever scope. Nothing is kept from here on. */
  close(): void {
    this.#entries = [];
    this.#key = undefined;
    removeKept(this.#storage, PREFIX);
  }

  #keep(): void {
    if (this.#key === undefined) return;
    const messages = this.#entries.map((entry) => entry.command).filter((command) => command.type === "send");
    writeTo(this.#storage, this.#key, messages.length > 0 ? JSON.stringify(messages) : undefined);
  }
}

function laneOf(command: CommandFrame): string {
  return "conversation" in command ? command.conversation : "";
}

/** Reads a text; nothing where storage is denied. */
export function readFrom(storage: KeptText | undefined, key: string): string | undefined {
  try {
    return storage?.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a text, or removes it where `text` is undefined. Where storage is denied or full, the page goes on without. */
export function writeTo(storage: KeptText | undefined, key: string, text: string | undefined): void {
  try {
    if (text === undefined) storage?.removeItem(key);
    else storage?.setItem(key, text);
  } catch {
    // Only what a reload would have kept is lost.
  }
}

/** Removes every text whose name begins with `prefix`, but those whose name goes on as one of `except`. */
export function removeKept(storage: KeptText | undefined, prefix: string, except: readonly string[] = []): void {
  const others = keysOf(storage).filter((key) => key.startsWith(prefix) && !except.includes(key.slice(prefix.length)));
  for (const key of others) writeTo(storage, key, undefined);
}

function keysOf(storage: KeptText | undefined): string[] {
  try {
    return Array.from({ length: storage?.length ?? 0 }, (_, index) => storage?.key(index) ?? "");
  } catch {
    return [];
  }
}

function parseMessages(text: string | undefined): SendMessage[] {
  if (text === undefined) return [];
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.filter(isMessage) : [];
  } catch {
    return [];
  }
}

function isMessage(value: unknown): value is SendMessage {
  if (typeof value !== "object" || value === null) return false;
  const { type, id, conversation, text } = value as Record<string, unknown>;
  return type === "send" && [id, conversation, text].every((member) => typeof member === "string");
}
