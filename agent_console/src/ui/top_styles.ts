import { css } from "lit";

/** The bar at the top, and the offers below it. */
export const topStyles = css`
  .top {
    align-items: center;
    background: var(--idc-card);
    border-block-end: 3px solid var(--idc-accent);
    display: flex;
    flex-wrap: wrap;
    gap: 0.25rem 1.25rem;
    padding: 0.375rem 1rem;
  }

  .top h1 {
    font-size: 1.125rem;
  }

  .right {
    align-items: center;
    display: flex;
    flex-wrap: wrap;
    gap: 0.25rem 0.875rem;
    margin-inline-start: auto;
  }

  .me {
    font-weight: 600;
  }

  .tabs {
    display: flex;
    gap: 0.25rem;
  }

  .tab {
    background: transparent;
    border: 0;
    border-block-end: 3px solid transparent;
    color: var(--idc-ink);
    cursor: pointer;
    font: inherit;
    min-block-size: 2.75rem;
    padding: 0.25rem 0.75rem;
  }

  .tab:hover {
    background: var(--idc-accent-soft);
  }

  .tab[aria-current="page"] {
    border-color: var(--idc-accent);
    font-weight: 700;
  }

  .connection {
    align-items: center;
    color: var(--idc-ink-soft);
    display: inline-flex;
    font-size: 0.9375rem;
    gap: 0.375rem;
  }

  .connection::before,
  .present::before {
    background: var(--idc-ok-edge);
    block-size: 0.625rem;
    border-radius: 50%;
    content: "";
    display: inline-block;
    inline-size: 0.625rem;
  }

  .connection.connecting::before {
    background: var(--idc-warning-edge);
  }

  .present::before {
    margin-inline-end: 0.375rem;
  }

  .sound {
    font-weight: 400;
  }

  .switch {
    display: inline-flex;
  }

  .switch button {
    background: var(--idc-card);
    border: 1px solid var(--idc-edge);
    color: var(--idc-ink);
    cursor: pointer;
    font: inherit;
    min-block-size: 2.75rem;
    padding: 0.25rem 0.875rem;
  }

  .switch button:first-child {
    border-end-start-radius: var(--idc-radius);
    border-inline-end: 0;
    border-start-start-radius: var(--idc-radius);
  }

  .switch button:last-child {
    border-end-end-radius: var(--idc-radius);
    border-start-end-radius: var(--idc-radius);
  }

  .switch button:focus-visible {
    z-index: 1;
  }

  .switch button[aria-pressed="true"] {
    font-weight: 700;
  }

  .switch .available[aria-pressed="true"] {
    background: var(--idc-ok);
    color: #ffffff;
  }

  .switch .away[aria-pressed="true"] {
    background: #4a3a12;
    color: #ffffff;
  }

  .offers {
    display: grid;
    gap: 0.5rem;
  }

  .offers:empty {
    display: none;
  }

  .offer {
    align-items: center;
    background: #fffbef;
    border: 2px solid var(--idc-warning-edge);
    border-radius: var(--idc-radius);
    box-shadow: 0 6px 24px rgb(15 30 50 / 18%);
    display: grid;
    gap: 0.5rem 1.25rem;
    grid-template-columns: 1fr auto auto;
    padding: 0.75rem 1rem;
  }

  .facts {
    display: flex;
    flex-wrap: wrap;
    gap: 0 1.25rem;
  }

  .facts span {
    align-items: center;
    display: inline-flex;
    gap: 0.375rem;
  }

  .left {
    font-size: 1.125rem;
    font-variant-numeric: tabular-nums;
    font-weight: 700;
  }

  .offer progress {
    accent-color: var(--idc-warning);
    block-size: 0.375rem;
    grid-column: 1 / -1;
    inline-size: 100%;
  }
`;
