import { html, nothing, type TemplateResult } from "lit";
import { messagesOf } from "../../../client/src/conversation_log.ts";
import { doneIcon } from "../../../client/src/ui/icons.ts";
import { wayBack } from "./identification.ts";
import { messageList } from "./talking.ts";
import type { View } from "./view.ts";

/** It is over: why, what happens to what was said, and the way back. */
export function endedPage(view: View): TemplateResult {
  const { conversation, controller, texts } = view;
  const reason = conversation.end_reason;
  const { gone, log } = controller.state;
  const why = reason !== undefined ? texts.reasons[reason] : gone ? texts.goneText : undefined;
  const wasHelped = log.events.some(({ type }) => type === "joined");
  const whatHappens = wasHelped ? texts.dataText : texts.dataUnseenText;
  return html`<section class="card">
      <h1 tabindex="-1">${texts.endedTitle}</h1>
      ${why === undefined ? nothing : html`<div class="notice info">${doneIcon}<div>${why}</div></div>`}
      <h2>${texts.dataTitle}</h2>
      <p>${gone ? texts.dataGoneText : whatHappens}</p>
      <div class="actions">${wayBack(view, "primary")}</div>
    </section>
    ${
      messagesOf(log).length > 0
        ? html`<section class="card">
            <h2>${texts.yourConversation}</h2>
            ${messageList(view, false)}
          </section>`
        : nothing
    }`;
}
