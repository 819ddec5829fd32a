/** As text: the widget does without the base class that Lit's own `css` belongs to. */
const css = String.raw;

/**
 * The look, by token names of the NL Design System (Utrecht and Basis), so that a municipality's theme applies as it is.
 * The last fallback of each is our own, neutral.
 */
export const tokenValues = css`
    --idc-ink: var(--utrecht-document-color, var(--basis-color-default-color-document, #1b2430));
    --idc-ink-soft: var(--basis-color-default-color-subtle, #4c5866);
    --idc-ground: var(--utrecht-document-background-color, var(--basis-color-default-bg-subtle, #f2f4f7));
    --idc-card: var(--basis-color-default-bg-document, #ffffff);
    --idc-line: var(--basis-color-default-border-subtle, #d3d9e1);
    --idc-edge: var(--utrecht-textbox-border-color, var(--basis-form-control-border-color, #66717f));
    --idc-accent: var(
      --utrecht-button-primary-action-background-color,
      var(--basis-color-action-1-inverse-bg-default, #17525c)
    );
    --idc-accent-hover: var(
      --utrecht-button-primary-action-hover-background-color,
      var(--basis-color-action-1-inverse-bg-hover, #0e3940)
    );
    --idc-on-accent: var(
      --utrecht-button-primary-action-color,
      var(--basis-color-action-1-inverse-color-default, #ffffff)
    );
    --idc-accent-soft: var(
      --utrecht-button-secondary-action-hover-background-color,
      var(--basis-color-action-1-bg-hover, #e3eff0)
    );
    --idc-link: var(--utrecht-link-color, var(--basis-color-action-2-color-default, #17525c));
    --idc-focus: var(--utrecht-focus-outline-color, var(--basis-focus-outline-color, #1b2430));
    --idc-focus-halo: var(--utrecht-focus-background-color, var(--basis-focus-background-color, #ffdd33));
    --idc-danger: #9a1f18;
    --idc-danger-soft: #fdf0ef;
    --idc-radius: var(--utrecht-button-border-radius, var(--basis-border-radius-md, 6px));
    --idc-font: var(
      --utrecht-document-font-family,
      var(
        --basis-text-font-family-default,
        system-ui,
        -apple-system,
        "Segoe UI",
        Roboto,
        "Helvetica Neue",
        Arial,
        sans-serif
      )
    );
    color: var(--idc-ink);
    font-family: var(--idc-font);
`;

export const boxes = css`
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }

  :focus-visible {
    box-shadow: 0 0 0 5px var(--idc-focus-halo);
    outline: 2px solid var(--idc-focus);
    outline-offset: 1px;
  }
`;

export const headings = css`
  h1,
  h2,
  h3 {
    color: var(--utrecht-heading-color, inherit);
    line-height: 1.25;
    margin: 0;
    overflow-wrap: break-word;
    text-wrap: balance;
  }

  h2 {
    font-family: var(--utrecht-heading-2-font-family, inherit);
    font-size: 1.125rem;
  }

  h3 {
    font-size: 1rem;
  }

  p {
    margin: 0;
  }

  .soft {
    color: var(--idc-ink-soft);
  }
`;

export const buttons = css`
  .button {
    align-items: center;
    background: transparent;
    border: 2px solid transparent;
    border-radius: var(--idc-radius);
    color: inherit;
    cursor: pointer;
    display: inline-flex;
    font: inherit;
    font-weight: 600;
    gap: 0.5rem;
    justify-content: center;
    line-height: 1.25;
    min-block-size: 2.75rem;
    padding: 0.375rem 1.125rem;
    text-align: center;
    text-decoration: none;
  }

  .button[disabled] {
    cursor: not-allowed;
    opacity: 0.55;
  }

  .primary {
    background: var(--idc-accent);
    color: var(--idc-on-accent);
  }

  .primary:hover:not([disabled]) {
    background: var(--idc-accent-hover);
  }

  .secondary {
    background: var(--idc-card);
    border-color: var(--idc-accent);
    color: var(--idc-accent);
  }

  .secondary:hover:not([disabled]) {
    background: var(--idc-accent-soft);
  }

  .quiet {
    color: var(--idc-link);
    padding-inline: 0.625rem;
    text-decoration: underline;
    text-underline-offset: 0.2em;
  }

  .quiet:hover {
    text-decoration-thickness: 2px;
  }

  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 0.75rem;
  }

  svg {
    block-size: 1.25em;
    flex: none;
    inline-size: 1.25em;
  }

  @media (prefers-reduced-motion: no-preference) {
    .button {
      transition: background-color 0.12s;
    }
  }

  @media (forced-colors: active) {
    .button {
      border-color: ButtonBorder;
    }
  }
`;

export const notices = css`
  .notice {
    align-items: flex-start;
    border: 1px solid;
    border-inline-start-width: 6px;
    border-radius: var(--idc-radius);
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem 0.75rem;
    padding: 0.75rem 1rem;
  }

  .notice > svg {
    margin-block-start: 0.15em;
  }

  .notice > div {
    display: grid;
    flex: 1 1 12rem;
    gap: 0.5rem;
    justify-items: start;
  }

  .notice.error {
    background: var(--utrecht-alert-error-background-color, var(--idc-danger-soft));
    border-color: var(--utrecht-alert-error-border-color, #b3261e);
    color: var(--utrecht-alert-error-color, #6e120c);
  }

  .notice.info {
    background: var(--utrecht-alert-info-background-color, var(--idc-accent-soft));
    border-color: var(--utrecht-alert-info-border-color, var(--idc-accent));
    color: var(--utrecht-alert-info-color, #0e3940);
  }
`;
