import type { KeptText } from "./outbox.ts";
import { StreamSocket } from "./stream_socket.ts";

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
  /** Throws where the browser has none. */
  openSocket(url: string, protocol: string): Socket;
  /** What stands in for a WebSocket at this address. */
  openStream(url: string): Socket;
  /** Milliseconds by this device's clock. */
  now(): number;
  random(): number;
  newId(): string;
  /** Calls back after `ms`; what it returns cancels that. */
  later(ms: number, callback: () => void): () => void;
  /**
   * Calls back whenever the device may have been away: shown again, woken, network back; and when its clock was set.
   * `clockMoved`: what is known of the server's time by this clock may be wrong. Returns a way to stop.
   */
  onReturn(callback: (clockMoved: boolean) => void): () => void;
  storage: KeptText | undefined;
}

const LOOK_EVERY_MS = 5_000;
/** Timers of a page that is awake and shown do not come this late; those of a hidden one may, by a minute. */
const ASLEEP_MS = 20_000;
const ASLEEP_HIDDEN_MS = 90_000;

const streamMeans = {
  openEvents: (url: string) => new EventSource(url),
  post: (url: string, init: RequestInit) => fetch(url, init),
  pause: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  random: () => Math.random(),
};

export function browserEnvironment(): Environment {
  return {
    openSocket: (url, protocol) => new WebSocket(url, protocol),
    openStream: (url) => new StreamSocket(url, streamMeans),
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

function listenForReturn(callback: (clockMoved: boolean) => void): () => void {
  const back = () => callback(false);
  const whenVisible = () => {
    if (document.visibilityState === "visible") back();
  };
  document.addEventListener("visibilitychange", whenVisible);
  document.addEventListener("resume", back);
  addEventListener("online", back);
  addEventListener("pageshow", back);
  const stopWatching = watchClock(() => callback(true));
  return () => {
    document.removeEventListener("visibilitychange", whenVisible);
    document.removeEventListener("resume", back);
    removeEventListener("online", back);
    removeEventListener("pageshow", back);
    stopWatching();
  };
}

/** No event tells that the device slept with this page in view, or that its clock was set. A timer does. */
function watchClock(moved: () => void): () => void {
  let last = Date.now();
  const timer = setInterval(() => {
    const passed = Date.now() - last;
    last += passed;
    if (passed < 0 || passed > (document.visibilityState === "visible" ? ASLEEP_MS : ASLEEP_HIDDEN_MS)) moved();
  }, LOOK_EVERY_MS);
  return () => clearInterval(timer);
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
