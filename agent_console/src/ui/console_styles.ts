import { css } from "lit";

export const consoleStyles = css`
  :host {
    display: block;
    font-size: 1rem;
  }

  .app {
    background: var(--idc-ground);
    display: flex;
    flex-direction: column;
    min-block-size: 100dvh;
  }

  .above {
    display: grid;
    gap: 0.5rem;
    inset-block-start: 0;
    padding-inline: 1rem;
    position: sticky;
    z-index: 2;
  }

  .above:has(.notice, .offer) {
    padding-block-start: 0.75rem;
  }

  .work {
    display: grid;
    flex: 1;
    gap: 1rem;
    grid-template: minmax(0, 1fr) / minmax(15rem, 20rem) minmax(20rem, 1fr) minmax(16rem, 22rem);
    min-block-size: 0;
    padding: 1rem;
  }

  .sidebar,
  .own,
  .queue,
  .pane,
  .panel,
  .empty {
    min-inline-size: 0;
  }

  .empty {
    align-content: center;
    display: grid;
    justify-items: center;
    padding: 2rem 1rem;
    text-align: center;
  }

  .work > .empty {
    grid-column: 2 / -1;
  }

  .sidebar,
  .panel {
    align-content: start;
    display: grid;
    gap: 1.25rem;
  }

  .own,
  .queue {
    align-content: start;
    display: grid;
    gap: 0.5rem;
  }

  .sidebar ul,
  .sidebar ol {
    display: grid;
    gap: 0.5rem;
    list-style: none;
    margin: 0;
    padding: 0;
  }

  .count {
    color: var(--idc-ink-soft);
    font-weight: 400;
  }

  .pick,
  .queue li {
    background: var(--idc-card);
    border: 1px solid var(--idc-line);
    border-radius: var(--idc-radius);
    color: inherit;
    display: grid;
    font: inherit;
    gap: 0 0.5rem;
    grid-template-columns: 1fr auto;
    inline-size: 100%;
    padding: 0.5rem 0.75rem;
    text-align: start;
  }

  .pick {
    cursor: pointer;
    min-block-size: 2.75rem;
  }

  .pick:hover {
    background: var(--idc-accent-soft);
  }

  .pick[aria-current="true"] {
    border-color: var(--idc-accent);
    box-shadow: inset 4px 0 0 var(--idc-accent);
  }

  .name {
    font-weight: 600;
    overflow-wrap: anywhere;
  }

  .detail {
    font-size: 0.875rem;
    grid-column: 1 / -1;
  }

  .time {
    font-variant-numeric: tabular-nums;
  }

  .badge {
    align-self: start;
    background: #b3261e;
    border-radius: 1rem;
    color: #ffffff;
    font-size: 0.875rem;
    font-weight: 700;
    min-inline-size: 1.5rem;
    padding-inline: 0.4rem;
    text-align: center;
  }

  .pane {
    background: var(--idc-card);
    border: 1px solid var(--idc-line);
    border-radius: var(--idc-radius);
    display: flex;
    flex-direction: column;
    min-block-size: 0;
  }

  .pane header {
    align-items: center;
    border-block-end: 1px solid var(--idc-line);
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem 1rem;
    justify-content: space-between;
    padding: 0.625rem 1rem;
  }

  .said {
    background: var(--idc-ground);
    flex: 1 1 12rem;
    min-block-size: 12rem;
    overflow-y: auto;
    padding: 0.75rem 1rem 1rem;
  }

  .unchecked {
    font-size: 0.875rem;
    margin-block-end: 0.75rem;
    text-align: center;
  }

  .pane header > div {
    flex: 1 1 9rem;
    min-inline-size: 0;
  }

  .chip {
    align-items: center;
    background: var(--idc-warning-soft);
    border: 1px dashed var(--idc-warning-edge);
    border-radius: var(--idc-radius);
    color: #4f3000;
    cursor: pointer;
    display: none;
    font: inherit;
    font-size: 0.9375rem;
    font-weight: 600;
    gap: 0.375rem;
    margin-block-start: 0.375rem;
    min-block-size: 2.75rem;
    padding: 0.25rem 0.75rem;
  }

  .chip.verified {
    background: var(--idc-ok);
    border: 1px solid var(--idc-ok-edge);
    color: #ffffff;
  }

  .pane footer {
    border-block-start: 1px solid var(--idc-line);
    padding: 0.75rem 1rem;
  }

  @media (min-width: 64rem) {
    .app {
      block-size: 100dvh;
    }

    .above {
      position: static;
    }

    .sidebar,
    .panel {
      /* Room for the ring around what has the focus. */
      margin: -6px;
      overflow-y: auto;
      padding: 6px;
    }
  }

  @media (max-width: 63.99rem) {
    .work {
      grid-template: "own own" auto "pane panel" minmax(30rem, 1fr) "queue queue" auto / minmax(0, 3fr) minmax(16rem, 2fr);
    }

    .sidebar {
      display: contents;
    }

    .own {
      grid-area: own;
    }

    .own ul,
    .queue ol {
      grid-template-columns: repeat(auto-fill, minmax(min(16rem, 100%), 1fr));
    }

    .queue {
      grid-area: queue;
    }

    .pane {
      grid-area: pane;
      max-block-size: 85dvh;
    }

    .panel {
      grid-area: panel;
    }

    .work > .empty {
      grid-area: pane / pane / panel / panel;
    }
  }

  @media (max-width: 44rem) {
    .work {
      grid-template: "own" auto "pane" auto "panel" auto "queue" auto / minmax(0, 1fr);
      padding: 0.75rem;
    }

    .work > .empty {
      grid-area: pane;
    }

    /* As high as the screen, so that most of it is for what is said. */
    .pane {
      block-size: calc(100dvh - 1rem);
      max-block-size: none;
      min-block-size: 23rem;
      scroll-margin-block-start: 0.5rem;
    }

    .pane header {
      gap: 0.25rem 0.75rem;
      padding: 0.375rem 0.75rem;
    }

    .pane header > div {
      display: contents;
    }

    .pane header .button {
      padding-inline: 0.75rem;
    }

    .pane footer {
      padding: 0.5rem 0.75rem;
    }

    .said {
      min-block-size: 9rem;
    }

    .chip {
      display: inline-flex;
      margin-block-start: 0;
    }

    .offer {
      grid-template-columns: 1fr auto;
    }

    .offer .actions {
      grid-column: 1 / -1;
    }

    .offer .button {
      flex: 1;
    }

    .right {
      margin-inline-start: 0;
    }

    .sound span {
      block-size: 1px;
      clip-path: inset(50%);
      inline-size: 1px;
      overflow: hidden;
      position: absolute;
    }

    .sound {
      min-inline-size: 2.75rem;
    }
  }

  @media (forced-colors: active) {
    .switch button[aria-pressed="true"],
    .pick[aria-current="true"],
    .tab[aria-current="page"] {
      outline: 3px solid Highlight;
      outline-offset: -3px;
    }

    .badge {
      border: 1px solid;
    }
  }
`;
