import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import { tabStorage } from "../environment.ts";
import { MAX_TEXT_CHARACTERS } from "../generated/messages.ts";
import type { Language } from "../i18n/language.ts";
import { SHARED } from "../i18n/shared.ts";
import { DRAFT_PREFIX, readFrom, writeTo } from "../outbox.ts";
import { sendIcon } from "./icons.ts";
import { common } from "./styles.ts";

/** What somebody wants to say. */
export class SayEvent extends Event {
  readonly text: string;

  constructor(text: string) {
    super("say");
    this.text = text;
  }
}

/** What stands in the box was changed by whoever types. */
export class TypedEvent extends Event {
  readonly text: string;

  constructor(text: string) {
    super("typed");
    this.text = text;
  }
}

/** Shows how many characters are left from here on. */
const COUNT_FROM = 0.8;

/**
 * The typing box. Fires SayEvent with a text that fits, and TypedEvent before that. What is typed and not sent survives a reload, under `draftKey`.
 */
export class Composer extends LitElement {
  static override styles = [
    ...common,
    css`
      form {
        align-items: end;
        display: grid;
        gap: 0.25rem 0.625rem;
        grid-template-columns: 1fr auto;
      }

      label {
        font-size: 0.9375rem;
        font-weight: 600;
        grid-column: 1 / -1;
      }

      textarea {
        background: var(--utrecht-textbox-background-color, #ffffff);
        border: var(--utrecht-textbox-border-width, 1px) solid var(--idc-edge);
        border-radius: var(--utrecht-textbox-border-radius, var(--idc-radius));
        color: var(--utrecht-textbox-color, inherit);
        field-sizing: content;
        font: inherit;
        inline-size: 100%;
        max-block-size: 10rem;
        min-block-size: 2.75rem;
        padding: 0.5rem 0.75rem;
        resize: none;
      }

      textarea[aria-invalid="true"] {
        border-color: #b3261e;
        border-width: 2px;
      }

      .below {
        color: var(--idc-ink-soft);
        display: flex;
        flex-wrap: wrap;
        font-size: 0.875rem;
        gap: 0 1rem;
        grid-column: 1 / -1;
        justify-content: space-between;
      }

      .over {
        color: var(--idc-danger);
        font-weight: 600;
      }

      @media (pointer: coarse) {
        .hint {
          display: none;
        }
      }

      @media (max-width: 24rem) {
        .button span {
          clip-path: inset(50%);
          block-size: 1px;
          inline-size: 1px;
          overflow: hidden;
          position: absolute;
        }
      }
    `,
  ];

  @property() language: Language = "nl";
  @property() label = "";
  @property() draftKey = "";
  @property({ type: Number }) limit = MAX_TEXT_CHARACTERS;
  @state() private text = "";
  @query("textarea") private readonly box!: HTMLTextAreaElement;

  override focus(options?: FocusOptions): void {
    this.box?.focus(options);
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("draftKey")) this.text = readFrom(tabStorage(), this.#storageKey) ?? "";
  }

  override render(): TemplateResult {
    const texts = SHARED.in(this.language);
    const over = this.#length > this.limit;
    return html`<form @submit=${this.#submitted}>
      <label for="box">${this.label}</label>
      <textarea
        id="box"
        rows="1"
        autocomplete="off"
        aria-describedby="below"
        aria-invalid=${over ? "true" : "false"}
        .value=${this.text}
        @input=${this.#typed}
        @keydown=${this.#keyed}
      ></textarea>
      <button type="submit" class="button primary">${sendIcon}<span>${texts.send}</span></button>
      <div class="below" id="below">
        <span class="hint">${texts.enterSends}</span>
        <span role="status" class=${over ? "over" : ""}>${this.#count()}</span>
      </div>
    </form>`;
  }

  #count(): string | typeof nothing {
    const left = this.limit - this.#length;
    const texts = SHARED.in(this.language);
    if (left < 0) return texts.charactersOver(-left);
    return this.#length >= this.limit * COUNT_FROM ? texts.charactersLeft(left) : nothing;
  }

  /** In characters as the server counts them, not in UTF-16 units. */
  get #length(): number {
    return [...this.text.trim()].length;
  }

  get #storageKey(): string {
    return DRAFT_PREFIX + this.draftKey;
  }

  #typed(): void {
    this.#set(this.box.value);
    this.dispatchEvent(new TypedEvent(this.text));
  }

  /** With a finger, Enter is a new line: there is no Shift at hand. */
  #keyed(event: KeyboardEvent): void {
    const plainEnter = event.key === "Enter" && !event.shiftKey && !event.isComposing;
    if (!plainEnter || matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    this.#say();
  }

  #submitted(event: SubmitEvent): void {
    event.preventDefault();
    this.#say();
    this.box.focus();
  }

  #say(): void {
    const text = this.text.trim();
    if (text === "" || this.#length > this.limit) return;
    this.#set("");
    this.dispatchEvent(new SayEvent(text));
  }

  #set(text: string): void {
    this.text = text;
    writeTo(tabStorage(), this.#storageKey, text === "" ? undefined : text);
  }
}
