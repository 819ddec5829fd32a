import { html, type TemplateResult } from "lit/html.js";

/**
 * Drawn on a grid of 24; strokes take the colour of the text. Decoration only: the words beside it say it all.
 * Each is marked as pure, so that a page loads only those it shows.
 */
function icon(path: string): TemplateResult {
  return html`<svg
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    stroke-width="2"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  ><path d=${path} /></svg>`;
}

const CIRCLE = "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z";
const SHIELD = "M12 3 5 5.6v5.1c0 4.6 2.9 8.1 7 10.3 4.1-2.2 7-5.7 7-10.3V5.6Z";
const SPEAKER = "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5Z";

export const verifiedIcon = /* @__PURE__ */ icon(`${SHIELD}M8.8 11.8l2.3 2.3 4.2-4.4`);
export const unverifiedIcon = /* @__PURE__ */ icon(`${SHIELD}M12 8.3v4.2M12 15.8h.01`);
export const warningIcon = /* @__PURE__ */ icon("M12 4 2.8 20h18.4ZM12 10v4.5M12 17.3h.01");
export const infoIcon = /* @__PURE__ */ icon(`${CIRCLE}M12 11v5.5M12 7.8h.01`);
export const doneIcon = /* @__PURE__ */ icon(`${CIRCLE}M8 12.3l2.8 2.8L16.2 9.3`);
export const soundIcon = /* @__PURE__ */ icon(`${SPEAKER}M15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11`);
export const mutedIcon = /* @__PURE__ */ icon(`${SPEAKER}M16 9.5l5 5M21 9.5l-5 5`);
export const bellIcon = /* @__PURE__ */ icon("M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15ZM10 21h4");
export const downIcon = /* @__PURE__ */ icon("M12 5v14M6 13l6 6 6-6");
export const sendIcon = /* @__PURE__ */ icon("M4 12h14M13 6l6 6-6 6");
export const clockIcon = /* @__PURE__ */ icon(`${CIRCLE}M12 7v5.2l3.2 2`);
