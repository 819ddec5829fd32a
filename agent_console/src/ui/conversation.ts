import { html, nothing, type TemplateResult } from "lit";
import type { StaffConversation } from "../../../client/src/generated/messages.ts";
import { runningTime } from "../../../client/src/i18n/format.ts";
import type { SayEvent, TypedEvent } from "../../../client/src/ui/composer.ts";
import { doneIcon, unverifiedIcon, verifiedIcon } from "../../../client/src/ui/icons.ts";
import type { OutgoingEvent } from "../../../client/src/ui/message_list.ts";
import { logOf } from "../console_state.ts";
import { situation } from "./sidebar.ts";
import type { View } from "./view.ts";

/** What is said in one conversation, and the box to say something. */
export function conversationPane(view: View, conversation: StaffConversation): TemplateResult {
  const { texts } = view;
  const active = conversation.phase === "active";
  return html`<section class="pane" aria-label=${conversation.purpose_label}>
    <header>
      <div>
        <h2>${conversation.purpose_label}</h2>
        <p class=${active && conversation.end_user_present ? "soft present" : "soft"}>
          ${active ? `${texts.endUser}: ` : nothing}${situation(view, conversation)}
        </p>
        ${identityChip(view, conversation)}
      </div>
      ${active ? html`<button type="button" class="button danger" @click=${view.askToEnd}>${texts.end}</button>` : nothing}
    </header>
    <div class="said" data-scrolls tabindex="0">
      <p class="soft unchecked">${texts.notChecked}</p>
      ${messages(view, conversation)}
    </div>
    <footer>${active ? composer(view, conversation) : wrapUp(view, conversation)}</footer>
  </section>`;
}

/** Where the panel does not fit beside the conversation: what it says in a word, and the way to it. */
function identityChip({ texts }: View, { auth }: StaffConversation): TemplateResult {
  const verified = auth.status === "given";
  return html`<button type="button" class=${verified ? "chip verified" : "chip"} @click=${showPanel}>
    ${verified ? verifiedIcon : unverifiedIcon}${verified ? texts.verified : texts.notVerified}
  </button>`;
}

function showPanel(event: Event): void {
  const root = event.target instanceof Element ? event.target.getRootNode() : undefined;
  if (root instanceof ShadowRoot) root.querySelector(".panel")?.scrollIntoView();
}

function messages(view: View, conversation: StaffConversation): TemplateResult {
  const { controller, state, texts, language } = view;
  const { id, phase } = conversation;
  return html`<idc-message-list
    own="agent"
    follow
    .language=${language}
    .log=${logOf(state, id)}
    .canSend=${phase === "active"}
    .eventTexts=${texts.events}
    .ownLabel=${texts.you}
    .otherLabel=${texts.endUser}
    .typist=${controller.otherTypes(conversation) ? texts.endUser : ""}
    @retry=${(event: OutgoingEvent) => controller.retry(id, event.message)}
    @withdraw=${(event: OutgoingEvent) => controller.withdraw(id, event.message)}
  ></idc-message-list>`;
}

function composer({ controller, state, texts, language }: View, { id }: StaffConversation): TemplateResult {
  return html`<idc-composer
    .language=${language}
    .label=${texts.yourMessage}
    .draftKey=${id}
    .limit=${state.limits?.max_text_characters ?? 0}
    @say=${(event: SayEvent) => controller.say(id, event.text)}
    @typed=${(event: TypedEvent) => controller.typed(id, event.text)}
  ></idc-composer>`;
}

function wrapUp({ controller, texts, now }: View, conversation: StaffConversation): TemplateResult {
  const { end_reason: reason, wrap_up_until: until } = conversation;
  return html`<div class="notice info">
    ${doneIcon}
    <div>
      <strong role="status">${reason === undefined ? texts.wrapUpTitle : texts.reasons[reason]}</strong>
      <p>${texts.wrapUpText} ${until === undefined ? nothing : texts.wrapUpLeft(runningTime(until - now))}</p>
      <button type="button" class="button primary" @click=${() => void controller.finish(conversation.id)}>
        ${texts.finish}
      </button>
    </div>
  </div>`;
}
