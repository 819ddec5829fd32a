import type { ReactiveController, ReactiveControllerHost } from "lit";
import { tabStorage } from "./environment.ts";
import { readFrom, writeTo } from "./outbox.ts";

/** `blocked`: wanted, but the browser lets a page make sound only after somebody has touched it. */
export type SoundState = "on" | "off" | "blocked" | "unsupported";

export type NotificationState = NotificationPermission | "unsupported";

/** A tone: frequency in hertz, start and length in seconds. */
type Tone = readonly [hertz: number, start: number, length: number];

const CHIMES = {
  accepted: [
    [523.25, 0, 0.35],
    [659.25, 0.18, 0.35],
    [783.99, 0.36, 0.6],
  ],
  offer: [
    [659.25, 0, 0.25],
    [880, 0.2, 0.45],
  ],
  message: [[587.33, 0, 0.22]],
} as const satisfies Record<string, readonly Tone[]>;

export type Chime = keyof typeof CHIMES;

const LOUDNESS = 0.18;
const FLASH_MS = 1000;
const SILENT_KEY = "idcontact.silent";

/**
 * Calls for attention in several ways at once, because each fails for somebody: sound, the title of the page, and a
 * notification of the device where that was allowed.
 */
export class Attention implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  #audio: AudioContext | undefined;
  #silent = readFrom(tabStorage(), SILENT_KEY) === "yes";
  #title = document.title;
  #flashing: ReturnType<typeof setInterval> | undefined;
  readonly #onTouch = () => void this.#unlock();
  readonly #onLook = () => this.#looked();

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostConnected(): void {
    if (typeof AudioContext === "function") {
      this.#audio = new AudioContext();
      this.#audio.onstatechange = () => this.#host.requestUpdate();
    }
    // Any touch of the page is enough for a browser to let it make sound.
    for (const type of ["pointerdown", "keydown"]) addEventListener(type, this.#onTouch, { capture: true });
    document.addEventListener("visibilitychange", this.#onLook);
    addEventListener("focus", this.#onLook);
  }

  hostDisconnected(): void {
    for (const type of ["pointerdown", "keydown"]) removeEventListener(type, this.#onTouch, { capture: true });
    document.removeEventListener("visibilitychange", this.#onLook);
    removeEventListener("focus", this.#onLook);
    this.#stopFlashing();
    void this.#audio?.close();
    this.#audio = undefined;
  }

  get sound(): SoundState {
    if (this.#audio === undefined) return "unsupported";
    if (this.#silent) return "off";
    return this.#audio.state === "running" ? "on" : "blocked";
  }

  get notifications(): NotificationState {
    return typeof Notification === "function" ? Notification.permission : "unsupported";
  }

  /** Turns sound on, and lets it be heard that it is. Must come from a click. */
  async turnSoundOn(): Promise<void> {
    this.#remember(false);
    await this.#unlock();
    this.chime("message");
    this.#host.requestUpdate();
  }

  turnSoundOff(): void {
    this.#remember(true);
    this.#host.requestUpdate();
  }

  /** Asks for leave to show notifications. Must come from a click. */
  async askForNotifications(): Promise<void> {
    await Notification.requestPermission();
    this.#host.requestUpdate();
  }

  /** The title of the page while nothing calls for attention. */
  setTitle(title: string): void {
    this.#title = title;
    if (this.#flashing === undefined) document.title = title;
  }

  /** Makes itself heard and seen, until somebody looks at the page. */
  call(chime: Chime, words: string): void {
    this.chime(chime);
    if (isLookedAt()) return;
    this.#flash(words);
    if (this.notifications === "granted") this.#notify(words);
  }

  chime(chime: Chime): void {
    if (this.#audio === undefined || this.sound !== "on") return;
    for (const tone of CHIMES[chime]) play(this.#audio, tone);
  }

  #flash(words: string): void {
    this.#stopFlashing();
    let on = true;
    document.title = words;
    // Words that stay are enough for who does not want things to move.
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#flashing = setInterval(() => {
      on = still || !on;
      document.title = on ? words : this.#title;
    }, FLASH_MS);
  }

  #notify(words: string): void {
    try {
      const notification = new Notification(words, { tag: "idcontact" });
      notification.onclick = () => {
        window.focus();
        notification.close();
      };
    } catch {
      // Chrome on Android has no such constructor; sound and title remain.
    }
  }

  async #unlock(): Promise<void> {
    if (this.#audio?.state === "suspended") await this.#audio.resume();
  }

  #looked(): void {
    if (isLookedAt()) this.#stopFlashing();
  }

  #stopFlashing(): void {
    if (this.#flashing === undefined) return;
    clearInterval(this.#flashing);
    this.#flashing = undefined;
    document.title = this.#title;
  }

  #remember(silent: boolean): void {
    this.#silent = silent;
    writeTo(tabStorage(), SILENT_KEY, silent ? "yes" : undefined);
  }
}

/** Whether somebody has this page before their eyes, as far as a page can know. */
export function isLookedAt(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}

function play(audio: AudioContext, [hertz, start, length]: Tone): void {
  const begin = audio.currentTime + start;
  const volume = new GainNode(audio, { gain: 0 });
  // A soft edge at both ends: without it, a tone begins and ends with a click.
  volume.gain.setValueAtTime(0, begin);
  volume.gain.linearRampToValueAtTime(LOUDNESS, begin + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.001, begin + length);
  const tone = new OscillatorNode(audio, { type: "sine", frequency: hertz });
  tone.connect(volume).connect(audio.destination);
  tone.start(begin);
  tone.stop(begin + length);
}
