import { html, type TemplateResult } from "lit/html.js";

/** What is done when another button stands there, or none any more, and when it is pressed. */
export interface Listener {
  changed: () => void;
  pressed: () => void;
}

/**
 * The page's own button, `slot="button"`, that opens and closes the block: a `<button>`, or better a link to the page
 * of the core that works without JavaScript. Its `aria-expanded` is kept right.
 */
export class OwnButton {
  readonly #element: HTMLElement;
  readonly #listener: Listener;
  #button: Element | undefined;

  constructor(element: HTMLElement, listener: Listener) {
    this.#element = element;
    this.#listener = listener;
  }

  get isThere(): boolean {
    return this.#button !== undefined;
  }

  /** Looks whether the page has one. */
  find(): void {
    this.#button = Array.from(this.#element.children).find(({ slot }) => slot === "button");
  }

  reflect(open: boolean): void {
    this.#button?.setAttribute("aria-expanded", String(open));
  }

  readonly #changed = () => {
    this.find();
    this.#listener.changed();
  };

  readonly #clicked = (event: MouseEvent) => {
    // A link that is to open elsewhere does so.
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#listener.pressed();
  };

  /** Where it stands. */
  readonly slot: TemplateResult = html`<slot
    name="button"
    @slotchange=${this.#changed}
    @click=${this.#clicked}
  ></slot>`;
}
