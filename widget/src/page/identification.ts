import { html, nothing, type TemplateResult } from "lit";
import { infoIcon, unverifiedIcon } from "../../../client/src/ui/icons.ts";
import type { View } from "./view.ts";

/** The announced result of the identification is not here yet. */
export function identifyingPage({ conversation, texts }: View): TemplateResult {
  return html`<section class="card">
    <h1 tabindex="-1">${texts.identifyingTitle}</h1>
    <div class="busy" aria-hidden="true"></div>
    <p>${named(conversation.auth.method_label, texts.identifyingText, texts.identifyingTextUnnamed)}</p>
  </section>`;
}

/** The identification failed or its result never came; the purpose decides whether one may go on without. */
export function notIdentifiedPage(view: View): TemplateResult {
  const { conversation, texts } = view;
  const status = conversation.auth.status === "failed" ? "failed" : "missing";
  const mayContinue = conversation.can_continue_unverified === true;
  return html`<section class="card">
    <h1 tabindex="-1">${texts.notIdentifiedTitle}</h1>
    <div class="notice warning">
      ${unverifiedIcon}
      <div>
        <p>${texts.notIdentifiedText[status]}</p>
        <p>${mayContinue ? texts.canContinue : texts.cannotContinue}</p>
      </div>
    </div>
    <div class="actions">
      ${mayContinue ? continueButton(view) : nothing} ${wayBack(view, mayContinue ? "secondary" : "primary")}
    </div>
  </section>`;
}

function continueButton({ controller, texts }: View): TemplateResult {
  return html`<button type="button" class="button primary" @click=${() => void controller.continueUnverified()}>
    ${texts.continueUnverified}
  </button>`;
}

/** Back to where the person came from; words only, where that is not known. */
export function wayBack({ conversation, texts }: View, look: "primary" | "secondary"): TemplateResult {
  const url = conversation.return_url;
  if (url === undefined || !/^https?:\/\//.test(url)) return html`<p class="soft">${texts.startAgain}</p>`;
  return html`<a class="button ${look}" href=${url}>${texts.back}</a>`;
}

/** How the person identified, in a sentence; nothing where it was not asked. */
export function identificationNote({ conversation, texts }: View): TemplateResult | typeof nothing {
  const { status, method_label } = conversation.auth;
  if (status === "given")
    return html`<p class="note">${infoIcon}<span>${named(method_label, texts.verified, texts.verifiedUnnamed)}</span></p>`;
  if (status === "none") return nothing;
  return html`<p class="note">${infoIcon}<span>${texts.unverified}</span></p>`;
}

function named(method: string | undefined, words: (method: string) => string, unnamed: string): string {
  return method === undefined ? unnamed : words(method);
}
