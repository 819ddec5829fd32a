import type { Said } from "./conversation_log.ts";
import { type KeptText, readFrom, removeKept, writeTo } from "./outbox.ts";

/** By conversation. */
export type SaidByConversation = ReadonlyMap<string, readonly Said[]>;

const PREFIX = "idcontact.said.";

/**
 * What somebody said last, kept in this tab while they talk. When the store has lost it, a page that was loaded again
 * meanwhile would not know that it was ever there.
 */
export class SaidMemory {
  readonly #storage: KeptText | undefined;
  #key: string | undefined;
  #kept = "";

  constructor(storage: KeptText | undefined) {
    this.#storage = storage;
  }

  /**
   * What an earlier load of this page kept under `scope`; nothing after the first time. Later changes are kept there.
   * What was kept under any other scope is removed: who was in this tab before may have been somebody else. Nobody can
   * tell, so it also goes where one person merely began another conversation.
   */
  restore(scope: string): SaidByConversation {
    const key = PREFIX + scope;
    if (key === this.#key) return new Map();
    this.#key = key;
    removeKept(this.#storage, PREFIX, [scope]);
    this.#kept = readFrom(this.#storage, this.#key) ?? "";
    return parseSaid(this.#kept);
  }

  /** Keeps this, and nothing else. */
  keep(said: SaidByConversation): void {
    if (this.#key === undefined) return;
    const entries = [...said].filter(([, messages]) => messages.length > 0);
    const text = entries.length > 0 ? JSON.stringify(entries) : "";
    if (text === this.#kept) return;
    this.#kept = text;
    writeTo(this.#storage, this.#key, text === "" ? undefined : text);
  }

  /** Forgets all, for good, also what earlier loads kept under whatever scope: somebody logs out, or has been. */
  close(): void {
    this.#key = undefined;
    this.#kept = "";
    removeKept(this.#storage, PREFIX);
  }
}

function parseSaid(text: string): SaidByConversation {
  try {
    const parsed: unknown = JSON.parse(text);
    return new Map(Array.isArray(parsed) ? parsed.filter(isEntry) : []);
  } catch {
    return new Map();
  }
}

function isEntry(value: unknown): value is [string, Said[]] {
  if (!Array.isArray(value)) return false;
  const [conversation, said]: unknown[] = value;
  return typeof conversation === "string" && Array.isArray(said) && said.every(isSaid);
}

function isSaid(value: unknown): value is Said {
  if (typeof value !== "object" || value === null) return false;
  const { id, text, at } = value as Record<string, unknown>;
  return typeof id === "string" && typeof text === "string" && typeof at === "number";
}
