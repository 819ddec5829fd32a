import type { KeptText } from "./outbox.ts";

/** The part of a WebSocket that a connection uses. */
export interface Socket {
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent<unknown>) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

/** What a connection needs of the world around it. Tests give it another one. */
export interface Environment {
  openSocket(url: string, protocol: string): Socket;
  /** Milliseconds by this device's clock. */
  now(): number;
  random(): number;
  newId(): string;
  /** Calls back after `ms`; what it returns cancels that. */
  later(ms: number, callback: () => void): () => void;
  /** Calls back whenever the device may have been away: shown again, woken, network back. Returns a way to stop. */
  onReturn(callback: () => void): () => void;
  storage: KeptText | undefined;
}

export function browserEnvironment(): Environment {
  return {
    openSocket: (url, protocol) => new WebSocket(url, protocol),
    now: () => Date.now(),
    random: () => Math.random(),
    newId: randomId,
    later(ms, callback) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    onReturn: listenForReturn,
    storage: tabStorage(),
  };
}

/** 128 random bits. `crypto.randomUUID` is missing where the page is not served by https. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function listenForReturn(callback: () => void): () => void {
  const whenVisible = () => {
    if (document.visibilityState === "visible") callback();
  };
  document.addEventListener("visibilitychange", whenVisible);
  addEventListener("online", callback);
  addEventListener("pageshow", callback);
  return () => {
    document.removeEventListener("visibilitychange", whenVisible);
    removeEventListener("online", callback);
    removeEventListener("pageshow", callback);
  };
}

/** The storage of this tab; merely asking for it throws where the browser denies it. */
export function tabStorage(): KeptText | undefined {
  try {
    return globalThis.sessionStorage;
  } catch {
    return undefined;
  }
}

/** Removes everything that pages of ours keep in this tab: unsent messages, drafts, preferences. */
export function forgetTab(): void {
  try {
    const ours = Object.keys(globalThis.sessionStorage).filter((key) => key.startsWith("idcontact."));
    for (const key of ours) globalThis.sessionStorage.removeItem(key);
  } catch {
    // Where storage is denied, nothing was kept.
  }
}
