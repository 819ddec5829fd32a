import { css } from "lit";

export const startStyles = css`
  :host {
    container-type: inline-size;
    display: block;
  }

  .block {
    background: var(--idc-card);
    border: 1px solid var(--idc-line);
    border-block-start: 4px solid var(--idc-accent);
    border-radius: var(--idc-radius);
    color: var(--idc-ink);
    display: grid;
    gap: 1rem;
    padding: clamp(1rem, 5cqi, 1.75rem);
  }

  h2 {
    font-size: 1.25rem;
  }

  form {
    display: grid;
    gap: 1rem;
  }

  .step {
    font-size: 0.9375rem;
    margin-block-end: -0.75rem;
  }

  fieldset {
    border: 0;
    display: grid;
    gap: 0.625rem;
    margin: 0;
    min-inline-size: 0;
    padding: 0;
  }

  /* Takes the focus only so that it is read out; there is nothing to operate. */
  legend:focus {
    box-shadow: none;
    outline: none;
  }

  legend {
    font-weight: 600;
    margin-block-end: 0.625rem;
    padding: 0;
  }

  .option {
    align-items: center;
    background: var(--idc-card);
    border: 1px solid var(--idc-edge);
    border-radius: var(--idc-radius);
    cursor: pointer;
    display: flex;
    gap: 0.75rem;
    min-block-size: 3.25rem;
    padding: 0.5rem 0.875rem;
  }

  .option:hover {
    background: var(--idc-accent-soft);
  }

  .option:has(:checked) {
    background: var(--idc-accent-soft);
    border-color: var(--idc-accent);
    box-shadow: inset 0 0 0 1px var(--idc-accent);
  }

  .option span {
    flex: 1;
    overflow-wrap: anywhere;
  }

  .option input {
    accent-color: var(--idc-accent);
    block-size: 1.375rem;
    flex: none;
    inline-size: 1.375rem;
    margin: 0;
  }

  .option img {
    block-size: 2rem;
    inline-size: 2rem;
    object-fit: contain;
  }

  .option img[hidden] {
    display: none;
  }

  .happens {
    background: var(--idc-accent-soft);
    border-radius: var(--idc-radius);
    padding: 0.875rem 1rem;
  }

  .happens h3 {
    align-items: center;
    display: flex;
    gap: 0.5rem;
  }

  .happens ol {
    display: grid;
    gap: 0.25rem;
    margin: 0.5rem 0 0;
    padding-inline-start: 1.5rem;
  }

  .reminder {
    color: var(--idc-danger);
    font-weight: 600;
  }

  .reminder:empty {
    display: none;
  }

  @container (max-width: 26rem) {
    .actions .button {
      inline-size: 100%;
    }
  }

  @media (forced-colors: active) {
    .option:has(:checked) {
      border-width: 3px;
    }
  }
`;
