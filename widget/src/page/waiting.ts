import { html, nothing, type TemplateResult } from "lit";
import { messagesOf } from "../../../client/src/conversation_log.ts";
import { SHARED } from "../../../client/src/i18n/shared.ts";
import { waitInWords } from "../../../client/src/i18n/wait.ts";
import { bellIcon, mutedIcon, soundIcon, warningIcon } from "../../../client/src/ui/icons.ts";
import { identificationNote } from "./identification.ts";
import { messageList } from "./talking.ts";
import type { View } from "./view.ts";

/** In the queue: where, who is there, what to expect, and how one will notice. */
export function waitingPage(view: View): TemplateResult {
  const { conversation, texts } = view;
  const resumed = messagesOf(view.controller.state.log).length > 0;
  return html`<section class="card">
      <h1 tabindex="-1">${texts.waitingTitle}</h1>
      <p class="subject">${conversation.purpose_label}</p>
      ${resumed ? html`<div class="notice warning">${warningIcon}<div>${texts.agentGone}</div></div>` : nothing}
      <div class="place" role="status" aria-atomic="true">${place(view)}</div>
      ${identificationNote(view)}
      <h2>${texts.expectTitle}</h2>
      <ul class="expect">
        ${texts.expect.map((sentence) => html`<li>${sentence}</li>`)}
      </ul>
      ${keptInformed(view)}
      <div class="actions end">
        <button type="button" class="button quiet" @click=${view.askToEnd}>${texts.leaveQueue}</button>
      </div>
    </section>
    ${resumed ? html`<section class="card"><h2>${texts.soFar}</h2>${messageList(view, false)}</section>` : nothing}`;
}

/** Read out as a whole when the place changes or agents come and go; not for each minute that the wait is longer. */
function place({ controller, language, texts }: View): TemplateResult {
  const { position } = controller.state;
  if (position === undefined) return html`<p>${texts.placeComes}</p>`;
  const { place, agentsPresent, expectedWait } = position;
  const wait = expectedWait === undefined ? nothing : waitInWords(expectedWait, language);
  return html`<p class="number" aria-hidden="true">${place}</p>
    <div>
      <p>
        <span class="hidden-text">${texts.yourPlace}: ${place}.</span>
        <strong>${place <= 1 ? texts.firstInLine : texts.peopleBefore(place - 1)}</strong>
      </p>
      <p class="wait" aria-live="off">${wait}</p>
      <p class="soft">${agentsPresent > 0 ? texts.agentsPresent(agentsPresent) : texts.nobodyPresent}</p>
    </div>`;
}

function keptInformed(view: View): TemplateResult | typeof nothing {
  const { attention, texts } = view;
  if (attention.sound === "unsupported" && attention.notifications !== "default") return nothing;
  return html`<h2>${texts.keepInformed}</h2>
    <div class="informed">${sound(view)} ${notifications(view)}</div>`;
}

function sound({ attention, language }: View): TemplateResult | typeof nothing {
  const texts = SHARED.in(language);
  switch (attention.sound) {
    case "unsupported":
      return nothing;
    case "on":
      return html`<p>${soundIcon}<span>${texts.soundOn}</span></p>
        <button type="button" class="button quiet" @click=${() => attention.turnSoundOff()}>${texts.turnSoundOff}</button>`;
    case "off":
    case "blocked":
      return html`<p>
          ${mutedIcon}<span>${attention.sound === "off" ? texts.soundOff : texts.soundBlocked}</span>
        </p>
        <button type="button" class="button secondary" @click=${() => void attention.turnSoundOn()}>
          ${texts.turnSoundOn}
        </button>`;
  }
}

function notifications({ attention, texts }: View): TemplateResult | typeof nothing {
  if (attention.notifications === "granted") return html`<p>${bellIcon}<span>${texts.notificationsOn}</span></p>`;
  if (attention.notifications !== "default") return nothing;
  return html`<button type="button" class="button secondary" @click=${() => void attention.askForNotifications()}>
    ${bellIcon}${texts.allowNotifications}
  </button>`;
}
