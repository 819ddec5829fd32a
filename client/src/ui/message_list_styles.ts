import { css } from "lit";

export const messageListStyles = css`
  :host {
    display: block;
    position: relative;
  }

  ol {
    display: flex;
    flex-direction: column;
    gap: 0.875rem;
    list-style: none;
    margin: 0;
    padding: 0;
  }

  .message {
    align-self: flex-start;
    display: grid;
    gap: 0.125rem;
    justify-items: start;
    max-inline-size: min(36rem, 88%);
  }

  .typing {
    color: var(--idc-ink-soft);
    font-size: 0.9375rem;
    font-style: italic;
    margin: 0.625rem 0 0;
  }

  .own {
    align-self: flex-end;
    justify-items: end;
  }

  .who {
    font-size: 0.875rem;
    font-weight: 600;
  }

  .bubble {
    background: var(--id-contact-bubble-background-color, var(--idc-card));
    border: 1px solid var(--id-contact-bubble-border-color, var(--idc-line));
    border-end-end-radius: 1rem;
    border-end-start-radius: 1rem;
    border-start-end-radius: 1rem;
    border-start-start-radius: 0.25rem;
    /* However many marks are stacked on a letter, they stay in the box. */
    contain: paint;
    max-inline-size: 100%;
    overflow-wrap: anywhere;
    padding: 0.5rem 0.875rem;
    unicode-bidi: isolate;
    white-space: pre-wrap;
  }

  .own .bubble {
    background: var(--id-contact-bubble-own-background-color, var(--idc-accent-soft));
    border-color: var(--id-contact-bubble-own-border-color, #b5d2d5);
    border-start-end-radius: 0.25rem;
    border-start-start-radius: 1rem;
  }

  .pending .bubble {
    border-style: dashed;
  }

  .refused .bubble {
    background: var(--idc-danger-soft);
    border-color: #b3261e;
  }

  .refused .when {
    color: var(--idc-danger);
    font-weight: 600;
  }

  .own .actions {
    gap: 0;
    justify-content: flex-end;
  }

  .when,
  .happening {
    color: var(--idc-ink-soft);
    font-size: 0.875rem;
  }

  .happening {
    align-self: center;
    max-inline-size: 34rem;
    text-align: center;
  }

  .urgent {
    background: var(--idc-warning-soft);
    border: 1px solid var(--idc-warning-edge);
    border-radius: var(--idc-radius);
    color: #4f3000;
    font-size: 1rem;
    padding: 0.5rem 0.875rem;
  }

  .to-end {
    box-shadow: 0 4px 16px rgb(15 30 50 / 25%);
    inset-block-end: 0.75rem;
    margin-block-start: 0.75rem;
    margin-inline: auto;
    position: sticky;
  }

  @media (forced-colors: active) {
    .own .bubble {
      border-width: 2px;
    }
  }
`;
