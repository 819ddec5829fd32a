import { css, unsafeCSS } from "lit";
import { boxes, buttons, headings, notices, tokenValues } from "./base_styles.ts";

export const tokens = css`
  :host {
    ${unsafeCSS(tokenValues)}
    --idc-warning: #7a4a00;
    --idc-warning-soft: #fff5dd;
    --idc-warning-edge: #d99a17;
    --idc-ok: #0f5a2a;
    --idc-ok-soft: #e8f5ec;
    --idc-ok-edge: #1d7a3a;
    font-size: var(--utrecht-document-font-size, 1.0625rem);
    line-height: var(--utrecht-document-line-height, 1.5);
  }

  :host([hidden]) {
    display: none;
  }
`;

export const typography = css`
  h1 {
    font-family: var(--utrecht-heading-1-font-family, inherit);
    font-size: clamp(1.375rem, 1.2rem + 1vw, 1.75rem);
  }

  a {
    color: var(--idc-link);
  }

  .hidden-text {
    block-size: 1px;
    clip-path: inset(50%);
    inline-size: 1px;
    overflow: hidden;
    position: absolute;
    white-space: nowrap;
  }
`;

export const dangerButton = css`
  .danger {
    background: var(--idc-card);
    border-color: var(--idc-danger);
    color: var(--idc-danger);
  }

  .danger:hover {
    background: var(--idc-danger-soft);
  }
`;

export const furtherNotices = css`
  .notice.warning {
    background: var(--utrecht-alert-warning-background-color, var(--idc-warning-soft));
    border-color: var(--utrecht-alert-warning-border-color, var(--idc-warning-edge));
    color: var(--utrecht-alert-warning-color, #4f3000);
  }

  .notice.ok {
    background: var(--utrecht-alert-ok-background-color, var(--idc-ok-soft));
    border-color: var(--utrecht-alert-ok-border-color, var(--idc-ok-edge));
    color: var(--utrecht-alert-ok-color, #0f4a22);
  }

  /* Stays there for screen readers while it is empty, but takes no place. */
  .notices:not(:has(.notice)) {
    position: absolute;
  }

  .notices {
    display: grid;
    gap: 0.5rem;
  }
`;

export const common = [
  tokens,
  unsafeCSS([boxes, headings, buttons, notices].join("")),
  typography,
  dangerButton,
  furtherNotices,
];
