import { html, nothing, render, type TemplateResult } from "lit/html.js";
import { type Language, languageOf } from "../../../client/src/i18n/language.ts";
import { isClosed } from "./availability.ts";
import {
  answered,
  type Choice,
  choiceOf,
  chosen,
  commMethodOf,
  fieldsOf,
  isAllClosed,
  isLastStep,
  moved,
  stepOf,
  stepsOf,
  UNAUTHENTICATED,
  updated,
} from "./choice.ts";
import { coreUrl } from "./core_url.ts";
import { tell } from "./events.ts";
import type { Options, Problem } from "./options.ts";
import { OptionsSource } from "./options_source.ts";
import { OwnButton } from "./own_button.ts";
import { reflect, takeOver } from "./reflected.ts";
import { startStyles } from "./start_styles.ts";
import { START } from "./texts.ts";
import {
  actions,
  closedNotice,
  happens,
  problemNotice,
  question,
  type Starting,
  shared,
  type View,
  waiting,
} from "./view.ts";

/** How long the way to the core may take before the person is told that it takes long. */
const SLOW_AFTER_MS = 10_000;

/**
 * A "contact us" block for any page: `<id-contact purpose="report_move"></id-contact>`.
 *
 * Each property is its attribute. It starts by a top-level form POST, so that the core may set a cookie of its
 * own. What stands between its tags is shown only where it does not run; but `slot="button"` is the page's own button,
 * behind which the block stays closed until it is pressed, and `slot="problem"` is shown with every problem.
 * It tells what happens by the events of `StartEvents`.
 */
export class StartElement extends HTMLElement {
  static readonly observedAttributes = [
    "purpose",
    "core",
    "return-url",
    "lang",
    "identify-first",
    "open",
    "heading-level",
  ];

  /** Tag of the purpose, as the core knows it. */
  declare purpose: string;
  /** Base URL of the core, unless this script comes from there. */
  declare core: string;
  /** `return-url`: where the way back leads; this page when it is empty. */
  declare returnUrl: string;
  /** `heading-level`: level of its heading among those of the page, 1 to 6; 2 when it says nothing. */
  declare headingLevel: string;
  /** `identify-first`: identify first, and choose how to talk afterwards, at the core. */
  declare identifyFirst: boolean;
  /** Whether it is open. Means something only where the page has a button of its own. */
  declare open: boolean;

  static {
    const texts = { purpose: "purpose", core: "core", returnUrl: "return-url", headingLevel: "heading-level" };
    reflect(StartElement.prototype, texts, { identifyFirst: "identify-first", open: "open" });
  }

  readonly #root = this.attachShadow({ mode: "open" });
  readonly #source = new OptionsSource({
    answered: (options) => this.#answered(options),
    failed: (problem) => this.#failed(problem),
    refreshed: (options) => this.#refreshed(options),
  });
  readonly #ownButton = new OwnButton(this, {
    changed: () => this.#draw(),
    pressed: () => {
      this.open = !this.open;
    },
  });
  #choice: Choice | undefined;
  #problem: Problem | undefined;
  #retrying = false;
  #reminder = "";
  #starting: Starting = "no";
  #asked = "";
  #drawing = false;
  #moveFocus = false;
  #slow: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [startStyles()];
  }

  connectedCallback(): void {
    takeOver(this, StartElement.prototype);
    addEventListener("pageshow", this.#startOver);
    this.#ownButton.find();
    this.#source.connect();
    this.#draw();
  }

  disconnectedCallback(): void {
    removeEventListener("pageshow", this.#startOver);
    this.#source.disconnect();
    this.#startOver();
  }

  attributeChangedCallback(name: string): void {
    if (name === "identify-first" && this.#choice !== undefined) {
      this.#choice = choiceOf(this.#choice.options, this.identifyFirst);
    }
    this.#draw();
  }

  /** Draws what is true by then, once, after all that happens now. */
  #draw(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      if (!this.isConnected) return;
      this.#askWhereNew();
      render(html`${this.#ownButton.slot}${this.#isShown ? this.#block() : nothing}`, this.#root);
      this.#ownButton.reflect(this.open);
      if (this.#moveFocus) this.#focusNext();
    });
  }

  #focusNext(): void {
    this.#moveFocus = false;
    const asked = this.#root.querySelector<HTMLElement>("[data-focus]");
    (asked ?? this.#root.querySelector<HTMLElement>("h2"))?.focus();
  }

  get #isShown(): boolean {
    return this.open || !this.#ownButton.isThere;
  }

  get #language(): Language {
    return languageOf(this, START.languages);
  }

  get #view(): View {
    const level = Math.min(6, Math.max(1, Math.trunc(Number(this.headingLevel)) || 2));
    return { texts: START.in(this.#language), language: this.#language, now: Date.now(), level };
  }

  // --- asking ---------------------------------------------------------------------------------------------------------

  /** Asks the core, once for each question, and not before anybody sees the block. */
  #askWhereNew(): void {
    const question = { core: coreUrl(this.core), purpose: this.purpose, language: this.#language };
    const key = JSON.stringify(question);
    if (!this.#isShown || key === this.#asked) return;
    this.#asked = key;
    this.#choice = undefined;
    this.#problem = undefined;
    this.#retrying = false;
    this.#reminder = "";
    this.#source.ask(question);
  }

  #answered(options: Options): void {
    this.#draw();
    this.#choice = choiceOf(options, this.identifyFirst);
    this.#problem = undefined;
    // Who pressed "try again" goes on with what came of it.
    this.#moveFocus = this.#retrying;
    this.#retrying = false;
    tell(this, "idc-options", {
      purpose: this.purpose,
      authMethods: options.authMethods.map(({ tag }) => tag),
      commMethods: options.commMethods.map(({ tag }) => tag),
      open: !isAllClosed(options),
    });
    if (isAllClosed(options)) tell(this, "idc-problem", { problem: "closed" });
    else this.#tellStep(this.#choice);
  }

  #failed(problem: Problem): void {
    this.#draw();
    this.#problem = problem;
    this.#retrying = false;
    tell(this, "idc-problem", { problem });
  }

  #refreshed(options: Options | undefined): void {
    if (this.#choice !== undefined) this.#choice = updated(this.#choice, options);
    this.#draw();
  }

  readonly #retry = () => {
    if (this.#retrying) return;
    this.#retrying = true;
    this.#draw();
    this.#source.ask({ core: coreUrl(this.core), purpose: this.purpose, language: this.#language });
  };

  // --- showing --------------------------------------------------------------------------------------------------------

  #block(): TemplateResult {
    const view = this.#view;
    return html`<div class="root ${this.#ownButton.isThere ? "below" : ""}" lang=${view.language}>
      <div class="block">
        <h2 aria-level=${view.level} tabindex="-1">${view.texts.title}</h2>
        ${this.#content(view)}
      </div>
    </div>`;
  }

  #content(view: View): TemplateResult {
    if (this.#problem !== undefined) return problemNotice(view, this.#problem, this.#retrying, this.#retry);
    const choice = this.#choice;
    if (choice === undefined) return html`<p class="soft" role="status">${view.texts.loading}</p>`;
    // Who is choosing goes on with it: that it closed meanwhile is said beside the method.
    if (isAllClosed(choice.options) && !isTouched(choice)) return closedNotice(view, choice.options.commMethods);
    return this.#form(view, choice);
  }

  #form(view: View, choice: Choice): TemplateResult {
    return html`<form
      method="post"
      action="${coreUrl(this.core)}/start"
      target="_top"
      @submit=${(event: SubmitEvent) => this.#submitted(event)}
      @formdata=${leaveOutQuestion}
    >
      ${Object.entries(this.#fields(choice)).map(([name, value]) => hidden(name, value))}
      ${shared(view, choice)} ${waiting(view, choice)} ${question(view, choice, this.#choose)} ${happens(view, choice)}
      <p class="reminder" role="alert">${this.#reminder}</p>
      ${actions(view, choice, this.#starting, this.#back)}
      <p class="slow" role="status">${this.#starting === "slow" ? view.texts.slow : nothing}</p>
    </form>`;
  }

  #fields(choice: Choice): Record<string, string> {
    return {
      purpose: this.purpose,
      ...fieldsOf(choice),
      lang: this.#language,
      return_url: this.returnUrl || (location.href.split("#")[0] ?? ""),
    };
  }

  // --- choosing -------------------------------------------------------------------------------------------------------

  readonly #choose = (tag: string) => {
    if (this.#choice === undefined) return;
    this.#draw();
    this.#choice = chosen(this.#choice, tag);
    this.#reminder = "";
    tell(this, "idc-choice", { step: stepOf(this.#choice), tag: tag === UNAUTHENTICATED ? undefined : tag });
  };

  readonly #back = () => {
    if (this.#choice !== undefined) this.#show(moved(this.#choice, -1));
  };

  #show(choice: Choice): void {
    this.#draw();
    this.#choice = choice;
    this.#reminder = "";
    this.#moveFocus = true;
    this.#tellStep(choice);
  }

  #tellStep(choice: Choice): void {
    tell(this, "idc-step", { step: stepOf(choice), number: choice.at + 1, of: stepsOf(choice).length });
  }

  // --- starting -------------------------------------------------------------------------------------------------------

  #submitted(event: SubmitEvent): void {
    const choice = this.#choice;
    if (choice === undefined || this.#starting === "yes" || !this.#goesOn(choice)) event.preventDefault();
  }

  /** One step on, or away from this page; then it is true. */
  #goesOn(choice: Choice): boolean {
    this.#draw();
    this.#reminder = this.#reminderFor(choice);
    if (this.#reminder !== "") return false;
    if (!isLastStep(choice)) {
      this.#show(moved(choice, 1));
      return false;
    }
    const { auth_method: authMethod, comm_method: commMethod } = fieldsOf(choice);
    const goes = tell(this, "idc-start", { purpose: this.purpose, authMethod, commMethod });
    if (goes) this.#starts();
    return goes;
  }

  /** Why the person cannot go on from here; empty when they can. */
  #reminderFor(choice: Choice): string {
    const { texts } = this.#view;
    if (!answered(choice)) return texts.choose;
    const method = isLastStep(choice) ? commMethodOf(choice) : undefined;
    return method !== undefined && isClosed(method.availability) ? texts.chooseAnother(method.name) : "";
  }

  /** The browser is on its way. No event says when it gets stuck, so after a while it may be tried again. */
  #starts(): void {
    this.#starting = "yes";
    clearTimeout(this.#slow);
    this.#slow = setTimeout(() => {
      this.#starting = "slow";
      this.#draw();
      tell(this, "idc-problem", { problem: "slow_start" });
    }, SLOW_AFTER_MS);
  }

  /** Back from where the form led to, out of the browser's cache; or taken out of the page. */
  readonly #startOver = () => {
    clearTimeout(this.#slow);
    this.#starting = "no";
    this.#draw();
  };
}

function isTouched({ at, auth, comm, options }: Choice): boolean {
  const decided = choiceOf(options, false);
  return at > 0 || auth !== decided.auth || comm !== decided.comm;
}

function hidden(name: string, value: string): TemplateResult {
  return html`<input type="hidden" name=${name} .value=${value} />`;
}

/** The radio buttons need a name to be one group; what they choose is in the hidden fields. */
function leaveOutQuestion(event: FormDataEvent): void {
  event.formData.delete("way");
}
