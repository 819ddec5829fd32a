import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { QueueEntry, StaffConversation } from "../../../client/src/generated/messages.ts";
import { runningTime } from "../../../client/src/i18n/format.ts";
import { wordFor } from "../../../client/src/i18n/texts.ts";
import { unread } from "../console_state.ts";
import { waitingEntries } from "../queue_state.ts";
import { purposeName, type View } from "./view.ts";

/** The agent's own conversations, and who waits. */
export function sidebar(view: View): TemplateResult {
  return html`<div class="sidebar" tabindex="0" role="region" aria-label=${view.texts.views.work}>${ownConversations(view)} ${queue(view)}</div>`;
}

function ownConversations(view: View): TemplateResult {
  const { state, texts } = view;
  const own = [...state.conversations.values()].sort((a, b) => a.accepted_at - b.accepted_at);
  return html`<nav class="own" aria-label=${texts.conversations}>
    <h2>${texts.conversations} <span class="count">${own.length}</span></h2>
    <ul>
      ${repeat(
        own,
        ({ id }) => id,
        (conversation) => ownConversation(view, conversation),
      )}
    </ul>
  </nav>`;
}

function ownConversation(view: View, conversation: StaffConversation): TemplateResult {
  const { state, texts, now, selected } = view;
  const fresh = unread(state, conversation.id);
  return html`<li>
    <button
      type="button"
      class="pick"
      aria-current=${conversation.id === selected ? "true" : "false"}
      @click=${() => view.select(conversation.id)}
    >
      <span class="name">${conversation.purpose_label}</span>
      ${
        fresh > 0
          ? html`<span class="badge"
            ><span aria-hidden="true">${fresh}</span><span class="hidden-text">${texts.unread(fresh)}</span></span
          >`
          : nothing
      }
      <span class="soft detail">${situation(view, conversation)} · ${runningTime(now - conversation.accepted_at)}</span>
    </button>
  </li>`;
}

/** In a word or two, where a conversation stands. */
export function situation({ texts, now }: View, conversation: StaffConversation): string {
  if (conversation.phase !== "active") return texts.wrapUpTitle;
  if (conversation.end_user_present) return texts.present;
  return texts.absentSince(runningTime(now - (conversation.end_user_absent_since ?? now)));
}

function queue(view: View): TemplateResult {
  const { state, texts } = view;
  if (state.queue === undefined)
    return html`<section class="queue">
      <h2>${texts.queue}</h2>
      <p class="soft">${texts.queueUnknown}</p>
    </section>`;
  const waiting = waitingEntries(state.queue);
  return html`<section class="queue">
    <h2>${texts.queue} <span class="count">${waiting.length}</span></h2>
    ${waiting.length === 0 ? html`<p class="soft">${texts.queueEmpty}</p>` : nothing}
    <ol>
      ${repeat(
        waiting,
        ({ conversation }) => conversation,
        (entry) => queueEntry(view, entry),
      )}
    </ol>
  </section>`;
}

function queueEntry(view: View, entry: QueueEntry): TemplateResult {
  const { texts, now } = view;
  return html`<li>
    <span class="name">${purposeName(view, entry.purpose)}</span>
    <span class="time">${runningTime(now - entry.entered_at)}</span>
    <span class="soft detail">
      ${texts.entryState[entry.state]} · ${wordFor(texts.channels, entry.channel)} ·
      ${wordFor(texts.languages, entry.language)}
    </span>
  </li>`;
}
