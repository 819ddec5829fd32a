import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { OfferView } from "../../../client/src/generated/messages.ts";
import { runningTime } from "../../../client/src/i18n/format.ts";
import { wordFor } from "../../../client/src/i18n/texts.ts";
import { unverifiedIcon, verifiedIcon } from "../../../client/src/ui/icons.ts";
import type { View } from "./view.ts";

/** How long an offer stands, for the bar that runs out. It only shows proportion; `until` decides. */
const WHOLE_MS = 20_000;

/** Conversations offered to this agent, above everything else. */
export function offers(view: View): TemplateResult {
  const standing = view.state.offers.filter(({ until }) => until > view.now);
  const label = standing.length > 0 ? view.texts.offerTitle : undefined;
  return html`<div class="offers" role=${label === undefined ? nothing : "region"} aria-label=${label ?? nothing}>
    ${repeat(
      standing,
      ({ id }) => id,
      (offer) => card(view, offer),
    )}
  </div>`;
}

function card(view: View, offer: OfferView): TemplateResult {
  const { texts, now, controller } = view;
  const left = offer.until - now;
  const busy = controller.answering.has(offer.id);
  return html`<section class="offer">
    <div class="what">
      <div role="alert"><h2>${texts.offerFor(offer.purpose_label)}</h2></div>
      <p class="facts">
        <span>${texts.waitedFor(runningTime(now - offer.entered_at))}</span>
        <span>${wordFor(texts.channels, offer.channel)}</span>
        <span>${wordFor(texts.languages, offer.language)}</span>
        ${identification(view, offer)}
      </p>
    </div>
    <p class="left"><span aria-hidden="true">${texts.secondsLeft(Math.max(0, Math.ceil(left / 1000)))}</span></p>
    <div class="actions">
      <button type="button" class="button primary" ?disabled=${busy} @click=${() => void controller.accept(offer)}>
        ${texts.accept}
      </button>
      <button type="button" class="button secondary" ?disabled=${busy} @click=${() => void controller.decline(offer)}>
        ${texts.decline}
      </button>
    </div>
    <progress aria-hidden="true" max=${WHOLE_MS} .value=${Math.max(0, Math.min(WHOLE_MS, left))}></progress>
  </section>`;
}

/** Whether something was verified, and with what; never what. */
function identification({ texts }: View, { auth }: OfferView): TemplateResult | typeof nothing {
  if (auth.status !== "given") return html`<span>${unverifiedIcon}${texts.notVerified}</span>`;
  return html`<span>${verifiedIcon}${texts.verified}${auth.method_label === undefined ? nothing : ` · ${auth.method_label}`}</span>`;
}
