import { css } from "lit";

export const overviewStyles = css`
  .overview {
    align-content: start;
    display: grid;
    flex: 1;
    gap: 1.75rem;
    inline-size: 100%;
    margin-inline: auto;
    max-inline-size: 72rem;
    overflow-y: auto;
    padding: 1.25rem 1rem 2rem;
  }

  .overview section {
    display: grid;
    gap: 0.625rem;
    min-inline-size: 0;
  }

  .table {
    background: var(--idc-card);
    border: 1px solid var(--idc-line);
    border-radius: var(--idc-radius);
    overflow-x: auto;
  }

  table {
    border-collapse: collapse;
    inline-size: 100%;
  }

  th,
  td {
    border-block-end: 1px solid var(--idc-line);
    padding: 0.625rem 1rem;
    text-align: start;
    vertical-align: baseline;
  }

  tbody tr:last-child > * {
    border-block-end: 0;
  }

  thead th {
    color: var(--idc-ink-soft);
    font-size: 0.9375rem;
    white-space: nowrap;
  }

  .number {
    font-variant-numeric: tabular-nums;
    text-align: end;
    white-space: nowrap;
  }

  td .state {
    align-items: center;
    display: inline-flex;
    gap: 0.5rem;
    white-space: nowrap;
  }

  td .state::before {
    border: 2px solid var(--idc-ink-soft);
    block-size: 0.75rem;
    border-radius: 50%;
    content: "";
    inline-size: 0.75rem;
  }

  td .state.available::before {
    background: var(--idc-ok-edge);
    border-color: var(--idc-ok-edge);
  }

  td .state.away::before {
    background: var(--idc-warning-edge);
    border-color: var(--idc-warning-edge);
  }

  @media (max-width: 44rem) {
    table,
    tbody,
    tr,
    tbody th {
      display: block;
    }

    thead {
      block-size: 1px;
      clip-path: inset(50%);
      inline-size: 1px;
      overflow: hidden;
      position: absolute;
    }

    tr {
      border-block-end: 1px solid var(--idc-line);
      padding-block: 0.5rem;
    }

    tbody tr:last-child {
      border-block-end: 0;
    }

    tbody th,
    td {
      border-block-end: 0;
      padding-block: 0.25rem;
    }

    td {
      display: flex;
      gap: 1rem;
      justify-content: space-between;
      text-align: end;
    }

    td::before {
      color: var(--idc-ink-soft);
      content: attr(data-label);
      content: attr(data-label) / "";
      text-align: start;
    }
  }
`;
