import { html, nothing, type TemplateResult } from "lit";
import type { AgentStatus } from "../../../client/src/generated/messages.ts";
import { SHARED } from "../../../client/src/i18n/shared.ts";
import { mutedIcon, soundIcon } from "../../../client/src/ui/icons.ts";
import type { Tab, View } from "./view.ts";

const STATUSES: readonly AgentStatus[] = ["available", "away"];

/** What the bar at the top needs beyond the rest. */
export interface Top {
  tab: Tab;
  tabs: readonly Tab[];
  show: (tab: Tab) => void;
  csrf: string;
  logOutUrl: string;
}

/** Who is logged in, their status, the connection, sound, and the way out. */
export function topBar(view: View, top: Top): TemplateResult {
  const { state, texts } = view;
  const isAgent = state.me?.roles.includes("agent") === true;
  return html`<header class="top">
    <h1>${texts.title}</h1>
    ${top.tabs.length > 1 ? tabs(view, top) : nothing}
    <div class="right">
      ${connection(view)} ${sound(view)} ${isAgent ? statusSwitch(view) : nothing}
      <span class="me">${state.me?.name}</span>
      ${logOut(view, top)}
    </div>
  </header>`;
}

/** Also used while nothing else can be shown: the way out always works. */
export function logOut(
  { controller, texts }: Pick<View, "controller" | "texts">,
  { logOutUrl, csrf }: Top,
): TemplateResult {
  return html`<form method="post" action=${logOutUrl} @submit=${() => controller.logOut()}>
    <input type="hidden" name="csrf" .value=${csrf} />
    <button type="submit" class="button quiet">${texts.logOut}</button>
  </form>`;
}

function tabs({ texts }: View, { tab, tabs, show }: Top): TemplateResult {
  return html`<nav class="tabs">
    ${tabs.map(
      (name) => html`<button
        type="button"
        class="tab"
        aria-current=${name === tab ? "page" : "false"}
        @click=${() => show(name)}
      >
        ${texts.views[name]}
      </button>`,
    )}
  </nav>`;
}

function statusSwitch({ controller, state, texts }: View): TemplateResult {
  return html`<div class="switch" role="group" aria-label=${texts.yourStatus}>
    ${STATUSES.map(
      (status) => html`<button
        type="button"
        class="state ${status}"
        aria-pressed=${state.me?.status === status ? "true" : "false"}
        @click=${() => void controller.setStatus(status)}
      >
        ${texts.status[status]}
      </button>`,
    )}
  </div>`;
}

/** A loss is said in full below the bar; here only that all is well, or about to be. */
function connection({ controller, language }: View): TemplateResult | typeof nothing {
  const { kind } = controller.status;
  if (kind !== "online" && kind !== "connecting") return nothing;
  return html`<span class="connection ${kind}">${SHARED.in(language)[kind]}</span>`;
}

function sound({ attention, language }: View): TemplateResult | typeof nothing {
  const texts = SHARED.in(language);
  if (attention.sound === "unsupported") return nothing;
  const on = attention.sound === "on";
  const label = on ? texts.turnSoundOff : texts.turnSoundOn;
  return html`<button
    type="button"
    class="button quiet sound"
    title=${label}
    @click=${() => (on ? attention.turnSoundOff() : void attention.turnSoundOn())}
  >
    ${on ? soundIcon : mutedIcon}<span>${label}</span>
  </button>`;
}
