import { html, type SVGTemplateResult, svg, type TemplateResult } from "lit";

/** Drawn on a grid of 24; strokes take the colour of the text. Decoration only: the words beside it say it all. */
function icon(shape: SVGTemplateResult): TemplateResult {
  return html`<svg
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    stroke-width="2"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >${shape}</svg>`;
}

export const verifiedIcon = icon(
  svg`<path d="M12 3 5 5.6v5.1c0 4.6 2.9 8.1 7 10.3 4.1-2.2 7-5.7 7-10.3V5.6Z"/><path d="m8.8 11.8 2.3 2.3 4.2-4.4"/>`,
);
export const unverifiedIcon = icon(
  svg`<path d="M12 3 5 5.6v5.100c0 4.6 2.900 8.100 7 10.3 4.100-2.2 7-5.7 7-10.3V5.6Z"/><path d="M12 8.3v4.2M12 15.8h.01"/>`,
);
export const warningIcon = icon(svg`<path d="M12 4 2.8 20h18.4Z"/><path d="M12 10v4.5M12 17.3h.01"/>`);
export const infoIcon = icon(svg`<circle cx="12" cy="12" r="9"/><path d="M12 11v5.5M12 7.8h.01"/>`);
export const doneIcon = icon(svg`<circle cx="12" cy="12" r="9"/><path d="m8 12.3 2.8 2.8L16.2 9.3"/>`);
export const soundIcon = icon(
  svg`<path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5Z"/><path d="M15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11"/>`,
);
export const mutedIcon = icon(svg`<path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5Z"/><path d="m16 9.5 5 5M21 9.5l-5 5"/>`);
export const bellIcon = icon(svg`<path d="M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15Z"/><path d="M10 21h4"/>`);
export const downIcon = icon(svg`<path d="M12 5v14M6 13l6 6 6-6"/>`);
export const sendIcon = icon(svg`<path d="M4 12h14M13 6l6 6-6 6"/>`);
export const clockIcon = icon(svg`<circle cx="12" cy="12" r="9"/><path d="M12 7v5.2l3.2 2"/>`);
