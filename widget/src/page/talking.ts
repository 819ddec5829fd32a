import { html, nothing, type TemplateResult } from "lit";
import { pageOf } from "../../../client/src/conversation_state.ts";
import type { SayEvent, TypedEvent } from "../../../client/src/ui/composer.ts";
import { warningIcon } from "../../../client/src/ui/icons.ts";
import type { OutgoingEvent } from "../../../client/src/ui/message_list.ts";
import type { View } from "./view.ts";

/** The conversation itself. The typing box stays while the connection is away: what is said then is sent later. */
export function talkingPage(view: View, notice: TemplateResult): TemplateResult {
  const { conversation, controller, texts, language } = view;
  const name = conversation.agent?.name ?? texts.agent;
  return html`<section class="talk">
    <header>
      <div>
        <h1 tabindex="-1">${texts.talkingTo(name)}</h1>
        <p class="soft facts">
          <span>${conversation.purpose_label}</span>
          ${conversation.agent?.present ? html`<span class="present">${texts.agentPresent}</span>` : nothing}
        </p>
      </div>
      <button type="button" class="button danger" @click=${view.askToEnd}>${texts.end}</button>
    </header>
    <div class="said">${messageList(view, true)}</div>
    <footer>
      ${notice} ${absence(view, name)}
      <idc-composer
        .language=${language}
        .label=${texts.yourMessage}
        .draftKey=${conversation.id}
        .limit=${controller.state.limits?.max_text_characters ?? 0}
        @say=${(event: SayEvent) => controller.say(event.text)}
        @typed=${(event: TypedEvent) => controller.typed(event.text)}
      ></idc-composer>
    </footer>
  </section>`;
}

function absence({ conversation, texts }: View, name: string): TemplateResult {
  const absent = conversation.agent !== undefined && !conversation.agent.present;
  return html`<div role="status" class="notices">
    ${absent ? html`<div class="notice warning">${warningIcon}<div>${texts.agentAbsent(name)}</div></div>` : nothing}
  </div>`;
}

export function messageList({ controller, conversation, texts, language }: View, follow: boolean): TemplateResult {
  return html`<idc-message-list
    own="end_user"
    ?follow=${follow}
    .language=${language}
    .log=${controller.state.log}
    .canSend=${pageOf(controller.state) === "talking"}
    .eventTexts=${texts.events}
    .ownLabel=${texts.you}
    .otherLabel=${texts.agent}
    .typist=${controller.otherTypes ? (conversation.agent?.name ?? texts.agent) : ""}
    @retry=${(event: OutgoingEvent) => controller.retry(event.message)}
    @withdraw=${(event: OutgoingEvent) => controller.withdraw(event.message)}
  ></idc-message-list>`;
}
