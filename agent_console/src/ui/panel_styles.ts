import { css } from "lit";

export const panelStyles = css`
  .identity,
  .about {
    background: var(--idc-card);
    border: 1px solid var(--idc-line);
    border-radius: var(--idc-radius);
    display: grid;
    gap: 0.625rem;
    /* Not hidden: that would let a low window squeeze what was verified out of sight. */
    overflow: clip;
    padding: 0.75rem 1rem;
  }

  .identity h3 {
    align-items: center;
    display: flex;
    gap: 0.5rem;
    margin: -0.75rem -1rem 0;
    padding: 0.5rem 1rem;
  }

  .identity.verified {
    border: 2px solid var(--idc-ok-edge);
  }

  .identity.verified h3 {
    background: var(--idc-ok);
    color: #ffffff;
  }

  .identity.unverified {
    border: 2px dashed var(--idc-warning-edge);
  }

  .identity.unverified h3 {
    background: var(--idc-warning-soft);
    color: #4f3000;
  }

  dl {
    display: grid;
    gap: 0.5rem;
    margin: 0;
  }

  .attributes dt {
    color: var(--idc-ink-soft);
    font-size: 0.875rem;
  }

  dd {
    margin: 0;
    overflow-wrap: anywhere;
    unicode-bidi: isolate;
  }

  .attributes dd {
    contain: paint;
    font-size: 1.0625rem;
    font-weight: 600;
  }

  .facts-list {
    font-size: 0.9375rem;
    gap: 0.25rem;
  }

  .verified .facts-list {
    border-block-start: 1px solid var(--idc-line);
    padding-block-start: 0.625rem;
  }

  .facts-list > div {
    display: grid;
    gap: 0 0.75rem;
    grid-template-columns: minmax(8rem, 2fr) 3fr;
  }

  .facts-list dt {
    color: var(--idc-ink-soft);
  }

  .by {
    background: var(--idc-ok-soft);
    color: var(--idc-ok);
    font-size: 0.875rem;
    margin: 0 -1rem -0.75rem;
    padding: 0.5rem 1rem;
  }

  @media (forced-colors: active) {
    .identity.verified {
      border-width: 4px;
    }
  }
`;
