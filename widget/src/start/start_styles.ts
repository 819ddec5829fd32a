import { boxes, buttons, headings, notices, tokenValues } from "../../../client/src/ui/base_styles.ts";

/** Nothing of the page reaches `.root` but custom properties: `all` leaves those alone. */
const css = String.raw;
const own = css`
  :host {
    display: block;
  }

  :host([hidden]) {
    display: none;
  }

  .root {
    all: initial;
    container-type: inline-size;
    display: block;
    text-align: start;
    ${tokenValues}
  }

  .block {
    background: var(--idc-card);
    border: 1px solid var(--idc-line);
    border-block-start: 4px solid var(--idc-accent);
    border-radius: var(--idc-radius);
    display: grid;
    font-size: var(--utrecht-document-font-size, var(--basis-text-font-size-md, 1.0625em));
    gap: 1em;
    grid-template-columns: minmax(0, 1fr);
    line-height: var(--utrecht-document-line-height, var(--basis-text-line-height-md, 1.5));
    overflow-wrap: break-word;
    padding: clamp(1em, 5cqi, 1.75em);
  }


  .below {
    margin-block-start: 0.75em;
  }

  h2 {
    font-size: 1.25em;
  }

  form {
    display: grid;
    gap: 1em;
    grid-template-columns: minmax(0, 1fr);
    margin: 0;
  }

  .step {
    color: var(--idc-ink-soft);
    display: block;
    font-size: 0.9375em;
    font-weight: 400;
  }

  fieldset {
    border: 0;
    display: grid;
    gap: 0.625em;
    grid-template-columns: minmax(0, 1fr);
    margin: 0;
    min-inline-size: 0;
    padding: 0;
  }

  /* They take the focus only so that they are read out; there is nothing to operate. */
  :is(h2, legend, strong):focus {
    box-shadow: none;
    outline: none;
  }

  legend {
    font-weight: 600;
    margin-block-end: 0.625em;
    padding: 0;
  }

  .option {
    align-items: center;
    background: var(--idc-card);
    border: 1px solid var(--idc-edge);
    border-radius: var(--idc-radius);
    cursor: pointer;
    display: flex;
    gap: 0.75em;
    min-block-size: 3.25em;
    padding: 0.5em 0.875em;
  }

  .option:hover {
    background: var(--idc-accent-soft);
  }

  .option:has(:checked) {
    background: var(--idc-accent-soft);
    border-color: var(--idc-accent);
    box-shadow: inset 0 0 0 1px var(--idc-accent);
  }

  .option:has(:checked) .soft {
    color: inherit;
  }

  .option:has(:disabled) {
    background: transparent;
    border-style: dashed;
    cursor: not-allowed;
  }

  .words {
    display: grid;
    flex: 1;
    min-inline-size: 0;
    overflow-wrap: anywhere;
  }

  .name {
    font-weight: 600;
  }

  .words .soft {
    display: grid;
    font-size: 0.9375em;
    line-height: 1.4;
  }

  .option input {
    accent-color: var(--idc-accent);
    block-size: 1.375em;
    flex: none;
    font: inherit;
    inline-size: 1.375em;
    margin: 0;
  }

  .option img {
    block-size: 2em;
    flex: none;
    inline-size: 2em;
    object-fit: contain;
  }

  .option img[hidden] {
    display: none;
  }

  .shared,
  .waiting {
    align-items: flex-start;
    display: flex;
    gap: 0.5em;
  }

  :is(.shared, .waiting) svg {
    margin-block-start: 0.15em;
  }

  .happens {
    background: var(--idc-accent-soft);
    border-radius: var(--idc-radius);
    padding: 0.875em 1em;
  }

  .happens h3 {
    align-items: center;
    display: flex;
    gap: 0.5em;
  }

  .happens ol {
    display: grid;
    gap: 0.25em;
    margin: 0.5em 0 0;
    padding-inline-start: 1.5em;
  }

  .reminder {
    color: var(--idc-danger);
    font-weight: 600;
  }

  :is(.reminder, .slow, .waiting, [role="alert"]):empty {
    display: none;
  }

  .button[aria-disabled="true"] {
    cursor: progress;
    opacity: 0.75;
  }

  @container (max-width: 26em) {
    .actions .button {
      inline-size: 100%;
    }
  }

  /* Letters of twice the size on a small phone: all the room is for the words. */
  @container (max-width: 14em) {
    .option {
      flex-wrap: wrap;
      padding-inline: 0.375em;
    }

    .words {
      flex-basis: 100%;
    }

    :is(.shared, .waiting) span {
      min-inline-size: 0;
      overflow-wrap: anywhere;
    }

    .option img,
    :is(.shared, .waiting) svg {
      display: none;
    }
  }

  @media (forced-colors: active) {
    .option:has(:checked) {
      border-width: 3px;
    }

    .option:has(:disabled) {
      color: GrayText;
    }

    .happens {
      border: 1px solid;
    }
  }
`;

let sheet: CSSStyleSheet | undefined;

/**
 * The one style sheet of all blocks of a page. Adopted: that is no inline style, whatever the page's policy says.
 *
 * `rem` follows the font size of the page's root, which is for the page to decide: here everything follows our own.
 */
export function startStyles(): CSSStyleSheet {
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    const shared = [boxes, headings, buttons, notices].map((styles) => styles.replace(/(\d)rem\b/g, "$1em"));
    sheet.replaceSync([...shared, own].join(""));
  }
  return sheet;
}
