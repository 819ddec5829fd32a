import { html, nothing, type TemplateResult } from "lit";
import type { Attributes, StaffConversation } from "../../../client/src/generated/messages.ts";
import { clockTime, runningTime, timeAgo } from "../../../client/src/i18n/format.ts";
import { wordFor } from "../../../client/src/i18n/texts.ts";
import { unverifiedIcon, verifiedIcon, warningIcon } from "../../../client/src/ui/icons.ts";
import type { View } from "./view.ts";

/**
 * What the system itself knows of the person: beside the conversation, never in it. Nothing that somebody types can get
 * here: the values come in `attributes` frames alone, and the look of this panel is used nowhere else.
 */
export function panel(view: View, conversation: StaffConversation): TemplateResult {
  const { state, texts } = view;
  return html`<aside class="panel" tabindex="0" aria-label=${texts.panel}>
    ${identity(view, conversation, state.attributes.get(conversation.id))}
    ${conversation.other_device === true ? html`<div class="notice warning">${warningIcon}<div>${texts.otherDevice}</div></div>` : nothing}
    ${about(view, conversation)}
  </aside>`;
}

function identity(view: View, conversation: StaffConversation, attributes: Attributes | undefined): TemplateResult {
  const { texts, controller } = view;
  const { status } = conversation.auth;
  if (status !== "given") {
    return html`<section class="identity unverified">
      <h3>${unverifiedIcon}${texts.notVerified}</h3>
      <p>${texts.notVerifiedWhy[status]}</p>
    </section>`;
  }
  if (attributes !== undefined && conversation.phase === "active") return verified(view, attributes);
  const missing = controller.status.kind === "stopped" ? texts.notShownHere : texts.fetching;
  return html`<section class="identity">
    <h3>${verifiedIcon}${texts.verified}</h3>
    <p>${conversation.phase === "active" ? missing : texts.noLongerShown}</p>
  </section>`;
}

function verified({ texts, now, language }: View, frame: Attributes): TemplateResult {
  const { method_label, level, verified_at } = frame;
  return html`<section class="identity verified">
    <h3>${verifiedIcon}${texts.verified}</h3>
    <dl class="attributes">
      ${frame.attributes.map(
        ({ label, value }) => html`<div>
          <dt>${label}</dt>
          <dd dir="auto">${value}</dd>
        </div>`,
      )}
    </dl>
    <dl class="facts-list">
      ${fact(texts.method, method_label)}
      ${level === undefined ? nothing : fact(texts.level, wordFor(texts.levels, level))}
      ${fact(texts.checked, `${timeAgo(now - verified_at, language)} (${clockTime(verified_at, language)})`)}
    </dl>
    <p class="by">${texts.verifiedBy(method_label)}</p>
  </section>`;
}

function about({ texts, language }: View, conversation: StaffConversation): TemplateResult {
  return html`<section class="about">
    <h3>${texts.subject}</h3>
    <dl class="facts-list">
      ${fact(texts.purpose, conversation.purpose_label)}
      ${fact(texts.channel, wordFor(texts.channels, conversation.channel))}
      ${fact(texts.language, wordFor(texts.languages, conversation.language))}
      ${fact(texts.waited, runningTime(conversation.accepted_at - conversation.entered_at))}
      ${fact(texts.started, clockTime(conversation.accepted_at, language))}
    </dl>
  </section>`;
}

function fact(label: string, value: string): TemplateResult {
  return html`<div>
    <dt>${label}</dt>
    <dd>${value}</dd>
  </div>`;
}
