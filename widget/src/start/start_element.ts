import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { type Language, languageOf } from "../../../client/src/i18n/language.ts";
import { infoIcon, warningIcon } from "../../../client/src/ui/icons.ts";
import { common } from "../../../client/src/ui/styles.ts";
import { answered, type Choice, choiceOf, chosen, isLastStep, methodOf, moved, stepOf } from "./choice.ts";
import { coreUrl } from "./core_url.ts";
import { fetchOptions, type Method, OptionsUnavailable, type Problem } from "./options.ts";
import { startStyles } from "./start_styles.ts";
import { START, type StartTexts } from "./texts.ts";

/**
 * A "contact us" block for any page: `<id-contact purpose="report_move"></id-contact>`.
 *
 * Attributes: `purpose`; `core`, base URL of the core, unless the script comes from there; `lang`, else the page's
 * language; `return-url`, where the way back leads, else this page. It starts by a top-level form POST, so that the core
 * may set a cookie of its own.
 */
export class StartElement extends LitElement {
  static override styles = [...common, startStyles];

  @property() purpose = "";
  @property() core = "";
  @property({ attribute: "return-url" }) returnUrl = "";
  @property() override lang = "";
  @state() private choice: Choice | undefined;
  @state() private problem: Problem | undefined;
  @state() private reminded = false;
  @state() private starting = false;

  #asking: AbortController | undefined;
  #moveFocus = false;
  readonly #onShow = () => {
    // Back from where the form led to, out of the browser's cache.
    this.starting = false;
  };

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("pageshow", this.#onShow);
  }

  override disconnectedCallback(): void {
    removeEventListener("pageshow", this.#onShow);
    this.#asking?.abort();
    super.disconnectedCallback();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("purpose") || changed.has("core") || changed.has("lang")) void this.#ask();
  }

  override updated(): void {
    if (!this.#moveFocus) return;
    this.#moveFocus = false;
    this.renderRoot.querySelector<HTMLElement>("[data-focus]")?.focus();
  }

  override render(): TemplateResult {
    return html`<div class="block" lang=${this.#language}>
      <h2>${this.#texts.title}</h2>
      ${this.#content()}
    </div>`;
  }

  get #language(): Language {
    return languageOf(this);
  }

  get #texts(): StartTexts {
    return START[this.#language];
  }

  /** Asks the core for the options; an answer to an earlier question is dropped. */
  async #ask(): Promise<void> {
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    this.choice = undefined;
    this.problem = undefined;
    try {
      const options = await fetchOptions(coreUrl(this.core), this.purpose, this.#language, asking.signal);
      if (!asking.signal.aborted) this.choice = choiceOf(options);
    } catch (error) {
      if (!asking.signal.aborted) this.problem = error instanceof OptionsUnavailable ? error.problem : "unusable";
    }
  }

  #content(): TemplateResult {
    if (this.problem !== undefined) return this.#problemNotice(this.problem);
    if (this.choice === undefined) return html`<p class="soft" role="status">${this.#texts.loading}</p>`;
    return this.#form(this.choice);
  }

  #problemNotice(problem: Problem): TemplateResult {
    const retry = html`<button type="button" class="button secondary" @click=${this.#ask}>${this.#texts.tryAgain}</button>`;
    return html`<div class="notice error" role="alert">
      ${warningIcon}
      <div>
        <p>${this.#texts.problems[problem]}</p>
        ${problem === "unknown_purpose" ? nothing : retry}
      </div>
    </div>`;
  }

  #form(choice: Choice): TemplateResult {
    const texts = this.#texts;
    const last = isLastStep(choice);
    const ready = last && answered(choice);
    return html`<form method="post" action="${coreUrl(this.core)}/start" target="_top" @submit=${this.#submitted}>
      ${hidden("purpose", this.purpose)}
      ${stepOf(choice) === "auth" ? nothing : hidden("auth_method", choice.auth)}
      ${stepOf(choice) === "comm" ? nothing : hidden("comm_method", choice.comm)}
      ${hidden("lang", this.#language)} ${hidden("return_url", this.returnUrl || location.href.split("#")[0])}
      ${choice.steps.length > 1 ? html`<p class="soft step">${texts.step(choice.at + 1, choice.steps.length)}</p>` : nothing}
      ${this.#question(choice)} ${ready ? this.#whatHappens(choice) : nothing}
      <p class="reminder" role="alert">${this.reminded ? texts.choose : nothing}</p>
      <div class="actions">
        <button type="submit" class="button primary" ?disabled=${this.starting}>
          ${this.starting ? texts.starting : last ? texts.start : texts.next}
        </button>
        ${choice.at > 0 ? html`<button type="button" class="button quiet" @click=${this.#back}>${texts.previous}</button>` : nothing}
      </div>
    </form>`;
  }

  #question(choice: Choice): TemplateResult | typeof nothing {
    const step = stepOf(choice);
    if (step === "summary") return nothing;
    const auth = step === "auth";
    const methods = auth ? choice.options.authMethods : choice.options.commMethods;
    return html`<fieldset>
      <legend tabindex="-1" data-focus>${auth ? this.#texts.askAuth : this.#texts.askComm}</legend>
      ${methods.map((method) => this.#option(method, step, choice[step] === method.tag))}
    </fieldset>`;
  }

  /** The radio buttons carry the field of their step; hidden fields carry the others. */
  #option(method: Method, step: "auth" | "comm", checked: boolean): TemplateResult {
    return html`<label class="option">
      <input
        type="radio"
        name="${step}_method"
        .value=${method.tag}
        .checked=${checked}
        @change=${() => this.#choose(method.tag)}
      />
      <span>${method.name}</span>
      ${method.image === undefined ? nothing : html`<img src=${method.image} alt="" @error=${hide} />`}
    </label>`;
  }

  #whatHappens({ options, auth, comm }: Choice): TemplateResult {
    const texts = this.#texts;
    const authName = methodOf(options.authMethods, auth)?.name ?? "";
    const commName = methodOf(options.commMethods, comm)?.name ?? "";
    return html`<div class="happens">
      <h3>${infoIcon}${texts.what}</h3>
      <ol>
        ${texts.happens(authName, commName).map((sentence) => html`<li>${sentence}</li>`)}
      </ol>
    </div>`;
  }

  #choose(tag: string): void {
    if (this.choice !== undefined) this.choice = chosen(this.choice, tag);
    this.reminded = false;
  }

  #back(): void {
    if (this.choice !== undefined) this.choice = moved(this.choice, -1);
    this.reminded = false;
    this.#moveFocus = true;
  }

  #submitted(event: SubmitEvent): void {
    const choice = this.choice;
    if (choice !== undefined && isLastStep(choice) && answered(choice) && !this.starting) {
      this.starting = true;
      return;
    }
    event.preventDefault();
    if (choice === undefined || this.starting) return;
    this.reminded = !answered(choice);
    this.choice = moved(choice, 1);
    this.#moveFocus = true;
  }
}

function hidden(name: string, value: string | undefined): TemplateResult {
  return html`<input type="hidden" name=${name} .value=${value ?? ""} />`;
}

function hide(event: Event): void {
  if (event.target instanceof HTMLElement) event.target.hidden = true;
}
