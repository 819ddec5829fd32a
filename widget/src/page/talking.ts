import { html, nothing, type TemplateResult } from "lit";
import type { SayEvent } from "../../../client/src/ui/composer.ts";
import { warningIcon } from "../../../client/src/ui/icons.ts";
import type { Narrator, OutgoingEvent } from "../../../client/src/ui/message_list.ts";
import type { PageTexts } from "./texts/index.ts";
import type { View } from "./view.ts";

/** The conversation itself. The typing box stays while the connection is away: what is said then is sent later. */
export function talkingPage(view: View, notice: TemplateResult): TemplateResult {
  const { conversation, controller, texts, language } = view;
  const name = conversation.agent?.name ?? texts.agent;
  return html`<section class="talk">
    <header>
      <div>
        <h1 tabindex="-1">${texts.talkingTo(name)}</h1>
        <p class="soft">
          ${conversation.purpose_label}${conversation.agent?.present ? html` · <span class="present">${texts.agentPresent}</span>` : nothing}
        </p>
      </div>
      <button type="button" class="button danger" @click=${view.askToEnd}>${texts.end}</button>
    </header>
    <div class="said">${messageList(view)}</div>
    <footer>
      ${notice} ${absence(view, name)}
      <idc-composer
        .language=${language}
        .label=${texts.yourMessage}
        .draftKey=${conversation.id}
        .limit=${controller.state.limits?.max_text_characters ?? 0}
        @say=${(event: SayEvent) => controller.say(event.text)}
      ></idc-composer>
    </footer>
  </section>`;
}

function absence({ conversation, texts }: View, name: string): TemplateResult {
  const absent = conversation.agent !== undefined && !conversation.agent.present;
  return html`<div role="status">
    ${absent ? html`<div class="notice warning">${warningIcon}<div>${texts.agentAbsent(name)}</div></div>` : nothing}
  </div>`;
}

export function messageList({ controller, texts, language }: View): TemplateResult {
  return html`<idc-message-list
    own="end_user"
    .language=${language}
    .log=${controller.state.log}
    .narrate=${narratorOf(texts)}
    .ownLabel=${texts.you}
    .otherLabel=${texts.agent}
    @retry=${(event: OutgoingEvent) => controller.retry(event.message)}
    @withdraw=${(event: OutgoingEvent) => controller.withdraw(event.message)}
  ></idc-message-list>`;
}

function narratorOf({ events }: PageTexts): Narrator {
  return (event) => {
    switch (event.type) {
      case "queued":
        return event.again === true ? events.queuedAgain : events.queued;
      case "identified":
        return events.identified(event.method_label);
      case "not_identified":
        return events.notIdentified;
      case "unverified":
        return events.unverified;
      case "joined":
        return events.joined(event.name);
      case "left":
        return events.left(event.name);
      case "ended":
        return events.ended;
      default:
        return undefined;
    }
  };
}
