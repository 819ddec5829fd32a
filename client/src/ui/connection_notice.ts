import { html, nothing, type TemplateResult } from "lit";
import type { ConnectionStatus } from "../connection.ts";
import type { Language } from "../i18n/language.ts";
import { SHARED } from "../i18n/shared.ts";
import { warningIcon } from "./icons.ts";

/** In plain sight when the connection is lost or was stopped; nothing while all is well. */
export function connectionNotice(status: ConnectionStatus, language: Language): TemplateResult {
  return html`<div role="status" class="notices">${content(status, language)}</div>`;
}

function content(status: ConnectionStatus, language: Language): TemplateResult | typeof nothing {
  const texts = SHARED.in(language);
  switch (status.kind) {
    case "connecting":
    case "online":
      return nothing;
    case "offline":
      return html`<div class="notice warning">${warningIcon}<div>${texts.offline}</div></div>`;
    case "stopped":
      return html`<div class="notice error">
        ${warningIcon}
        <div>
          <span>${texts.stopped[status.reason]}</span>
          <button type="button" class="button secondary" @click=${reload}>
            ${status.reason === "replaced" ? texts.takeOver : texts.reload}
          </button>
        </div>
      </div>`;
  }
}

function reload(): void {
  location.reload();
}
