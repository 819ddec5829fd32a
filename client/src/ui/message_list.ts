import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import {
  type ConversationLog,
  commandOf,
  EMPTY_LOG,
  linesOf,
  lostOf,
  messagesOf,
  type OutgoingMessage,
  type PublicEvent,
} from "../conversation_log.ts";
import type { MessageEvent } from "../generated/messages.ts";
import { clockTime, machineTime } from "../i18n/format.ts";
import type { Language } from "../i18n/language.ts";
import { type EventTexts, wordsFor } from "../i18n/narration.ts";
import { SHARED } from "../i18n/shared.ts";
import { piecesOf } from "../links.ts";
import { downIcon } from "./icons.ts";
import { messageListStyles } from "./message_list_styles.ts";
import { common } from "./styles.ts";

/** What asks for something to be done. */
const URGENT: ReadonlySet<PublicEvent["type"]> = new Set(["still_there", "maybe_lost"]);

/** The person wants to try a message again that was refused or lost, or be rid of it. */
export class OutgoingEvent extends Event {
  readonly message: OutgoingMessage;

  constructor(type: "retry" | "withdraw", message: OutgoingMessage) {
    super(type);
    this.message = message;
  }
}

/** The same for a message on its way and for its event, and for an event when its log comes again under another id. */
function keyOf(line: PublicEvent | OutgoingMessage): string {
  if (!isEvent(line)) return line.id;
  return commandOf(line) ?? `${line.type} ${line.seq}`;
}

function isEvent(line: PublicEvent | OutgoingMessage): line is PublicEvent {
  return "log_id" in line;
}

/** The history of a first load is not read out; what comes after this time is. */
const READ_OUT_AFTER_MS = 1500;
/** This near to the end counts as reading along. */
const NEAR_END_PX = 80;

/**
 * What was said, oldest first. Message texts are text nodes in boxes of their own: nothing in them can look like, or
 * reach out into, what the page itself says.
 */
export class MessageList extends LitElement {
  static override styles = [...common, messageListStyles];

  @property({ attribute: false }) log: ConversationLog = EMPTY_LOG;
  /** How this participant's page words what happened. */
  @property({ attribute: false }) eventTexts: EventTexts | undefined;
  @property() own: "end_user" | "agent" = "end_user";
  @property() ownLabel = "";
  @property() otherLabel = "";
  /** Who is typing on the other side; empty while nobody does. */
  @property() typist = "";
  @property() language: Language = "nl";
  /** Keeps the last message in sight. */
  @property({ type: Boolean }) follow = false;
  /** Whether something can be said now. */
  @property({ attribute: false }) canSend = false;
  @state() private readOut = false;
  @state() private announcement = "";
  @state() private hasNewBelow = false;

  #atEnd = true;
  /** Where the box stood, and how much was in it, when that was last looked at. */
  #stood = { top: 0, full: 0 };
  #heard: EventTarget | undefined;
  #lastOwn: MessageEvent | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #toldLosses = new Set<string>();
  readonly #onScroll = () => this.#scrolled();
  readonly #sizes = new ResizeObserver(() => this.#resized());

  override connectedCallback(): void {
    super.connectedCallback();
    const box = this.#scrolling;
    // The document says of itself that it scrolls; of a box in a shadow tree it never hears that.
    this.#heard = box === document.documentElement ? document : box;
    this.#heard.addEventListener("scroll", this.#onScroll, { passive: true });
    for (const one of [this, box]) this.#sizes.observe(one);
    this.#readOutLater();
  }

  override disconnectedCallback(): void {
    this.#heard?.removeEventListener("scroll", this.#onScroll);
    this.#heard = undefined;
    this.#sizes.disconnect();
    clearTimeout(this.#timer);
    super.disconnectedCallback();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    this.#lastOwn = messagesOf(this.log).findLast(({ by }) => by === this.own);
    const before = changed.get("log");
    this.#announceLoss();
    // It all comes again, in place of what was heard already.
    if (before?.logId !== undefined && before.logId !== this.log.logId) this.#readOutLater();
  }

  override render(): TemplateResult {
    return html`<div role="log" aria-label=${SHARED.in(this.language).messages} aria-live=${this.readOut ? "polite" : "off"}>
        <ol>
          ${repeat(linesOf(this.log), keyOf, (line) => (isEvent(line) ? this.#event(line) : this.#outgoing(line)))}
        </ol>
      </div>
      ${this.typist === "" ? nothing : this.#typing()}
      <div role="status" class="hidden-text">${this.announcement}</div>
      ${this.hasNewBelow ? this.#toEndButton() : nothing}`;
  }

  override updated(changed: PropertyValues<this>): void {
    if (!this.follow || !changed.has("log")) return;
    const before = changed.get("log");
    const saidSomething = this.log.outgoing.length > (before?.outgoing.length ?? 0);
    if (this.#atEnd || saidSomething) this.#toEnd();
    else if (before !== undefined && this.log.events.length > before.events.length) this.hasNewBelow = true;
  }

  #readOutLater(): void {
    clearTimeout(this.#timer);
    this.readOut = false;
    this.#timer = setTimeout(() => {
      this.readOut = true;
      this.announcement = "";
    }, READ_OUT_AFTER_MS);
  }

  /** That something may be lost is said once: not again whenever the log comes again, nor after a load of the page. */
  #announceLoss(): void {
    if (!this.log.replaced) return;
    for (const event of this.log.events) {
      const loss = `${event.conversation} ${event.at}`;
      if (event.type !== "maybe_lost" || this.#toldLosses.has(loss)) continue;
      this.#toldLosses.add(loss);
      const lost = lostOf(this.log).length;
      const words = this.eventTexts && wordsFor(event, this.eventTexts, this.language);
      this.announcement = [words, lost > 0 ? SHARED.in(this.language).messagesNotKept(lost) : ""].join(" ").trim();
    }
  }

  #event(event: PublicEvent): TemplateResult | typeof nothing {
    if (event.type === "message") return this.#message(event);
    const text = this.eventTexts && wordsFor(event, this.eventTexts, this.language);
    if (text === undefined) return nothing;
    return html`<li class=${URGENT.has(event.type) ? "happening urgent" : "happening"}>
      <span>${text}</span> <time datetime=${machineTime(event.at)}>${clockTime(event.at, this.language)}</time>
    </li>`;
  }

  #message(message: MessageEvent): TemplateResult {
    const own = message.by === this.own;
    const who = own ? this.ownLabel : (message.name ?? this.otherLabel);
    const time = html`<time datetime=${machineTime(message.at)}>${clockTime(message.at, this.language)}</time>`;
    return this.#said(own ? "message own" : "message", who, message.text, html`${time}${this.#mark(message)}`);
  }

  /**
   * One template for whatever is said: what is under way becomes what was said in its place, and is read out once. What
   * changes below it afterwards is not read out.
   */
  #said(
    kind: string,
    who: string,
    text: string,
    when: TemplateResult | string,
    actions: TemplateResult | typeof nothing = nothing,
  ): TemplateResult {
    return html`<li class=${kind}>
      <span class="who">${who}</span>
      ${this.#bubble(text)}
      <span class="when" aria-live="off">${when}</span>
      ${actions}
    </li>`;
  }

  /** On the last message of one's own: whether it was read. */
  #mark(message: MessageEvent): string | typeof nothing {
    if (message !== this.#lastOwn) return nothing;
    const texts = SHARED.in(this.language);
    return ` · ${this.log.seenByOther >= message.seq ? texts.read : texts.sent}`;
  }

  #outgoing(message: OutgoingMessage): TemplateResult {
    const texts = SHARED.in(this.language);
    switch (message.state) {
      case "sending":
        return this.#said("message own pending", this.ownLabel, message.text, texts.sending);
      case "refused":
        return this.#failed(message, texts.notSent, texts.tryAgain);
      case "lost":
        return this.#failed(message, texts.notKept, this.canSend ? texts.sendAgain : undefined);
    }
  }

  #failed(message: OutgoingMessage, why: string, again: string | undefined): TemplateResult {
    const { remove } = SHARED.in(this.language);
    const button = (ask: "retry" | "withdraw", words: string) =>
      html`<button type="button" class="button quiet" @click=${() => this.#ask(ask, message)}>${words}</button>`;
    const actions = html`<span class="actions">
      ${again === undefined ? nothing : button("retry", again)} ${button("withdraw", remove)}
    </span>`;
    return this.#said(`message own refused ${message.state}`, this.ownLabel, message.text, why, actions);
  }

  #bubble(text: string): TemplateResult {
    const { linkOpensNewTab } = SHARED.in(this.language);
    // No white space inside: it would show.
    return html`<p class="bubble" dir="auto">${piecesOf(text).map((piece) =>
      piece.href === undefined
        ? piece.text
        : html`<a href=${piece.href} target="_blank" rel="noopener noreferrer nofollow" title=${linkOpensNewTab}
            >${piece.text}</a
          >`,
    )}</p>`;
  }

  /** Outside the log, and not read out: it comes and goes with every few letters. */
  #typing(): TemplateResult {
    return html`<p class="typing">${SHARED.in(this.language).isTyping(this.typist)}</p>`;
  }

  #toEndButton(): TemplateResult {
    return html`<button type="button" class="button primary to-end" @click=${this.#toEnd}>
      ${downIcon}${SHARED.in(this.language).newMessages}
    </button>`;
  }

  #ask(type: "retry" | "withdraw", message: OutgoingMessage): void {
    this.dispatchEvent(new OutgoingEvent(type, message));
  }

  /** What scrolls: a box around this list that says so, else the page. */
  get #scrolling(): Element {
    return this.closest("[data-scrolls]") ?? document.documentElement;
  }

  /**
   * Only who scrolls up leaves the end. An event may also tell of an earlier scroll, after something came below, or the
   * box became smaller; and where lines have become fewer, in a wider window, the browser itself goes up.
   */
  #scrolled(): void {
    const { scrollHeight: full, scrollTop: top, clientHeight } = this.#scrolling;
    const before = this.#stood;
    this.#stood = { top, full };
    if (full - top - clientHeight < NEAR_END_PX) {
      this.#atEnd = true;
      this.hasNewBelow = false;
    } else if (top < before.top && full >= before.full) {
      this.#atEnd = false;
    }
  }

  /** A phone was turned, or its keyboard came up: who reads along goes on reading along. */
  #resized(): void {
    if (this.follow && this.#atEnd) this.#toEnd();
  }

  #toEnd(): void {
    this.#atEnd = true;
    this.hasNewBelow = false;
    // After the boxes around this one have their new size.
    requestAnimationFrame(() => {
      this.#scrolling.scrollTop = this.#scrolling.scrollHeight;
    });
  }
}
