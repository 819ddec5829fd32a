import { css } from "lit";

export const pageStyles = css`
  :host {
    display: flex;
    flex: 1;
    flex-direction: column;
  }

  .sheet {
    display: grid;
    gap: 1.25rem;
    inline-size: 100%;
    margin-inline: auto;
    max-inline-size: 42rem;
    padding: clamp(1rem, 5vh, 3rem) 1rem 2rem;
  }

  .card {
    background: var(--idc-card);
    border: 1px solid var(--idc-line);
    border-radius: calc(var(--idc-radius) * 1.5);
    box-shadow: 0 1px 2px rgb(15 30 50 / 6%), 0 8px 24px rgb(15 30 50 / 6%);
    display: grid;
    gap: 1rem;
    min-inline-size: 0;
    padding: clamp(1.25rem, 5vw, 2.25rem);
  }

  /* Takes the focus only so that it is read out; there is nothing to operate. */
  h1:focus {
    box-shadow: none;
    outline: none;
  }

  .subject {
    color: var(--idc-ink-soft);
    font-weight: 600;
    margin-block-start: -0.5rem;
  }

  .busy {
    background: var(--idc-accent-soft);
    block-size: 0.375rem;
    border-radius: 1rem;
    overflow: hidden;
  }

  .busy::before {
    background: var(--idc-accent);
    block-size: 100%;
    border-radius: 1rem;
    content: "";
    display: block;
    inline-size: 35%;
  }

  .place {
    align-items: center;
    background: var(--idc-accent-soft);
    border-radius: var(--idc-radius);
    display: flex;
    gap: 1.25rem;
    padding: 1rem 1.25rem;
  }

  .wait:empty {
    display: none;
  }

  .number {
    color: var(--idc-accent);
    font-size: 2.75rem;
    font-variant-numeric: tabular-nums;
    font-weight: 700;
    line-height: 1;
  }

  .note,
  .informed p {
    align-items: center;
    display: flex;
    gap: 0.625rem;
  }

  .expect {
    display: grid;
    gap: 0.375rem;
    margin: 0;
    padding-inline-start: 1.25rem;
  }

  .informed {
    align-items: center;
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem 0.75rem;
  }

  .end {
    border-block-start: 1px solid var(--idc-line);
    justify-content: flex-end;
    padding-block-start: 0.75rem;
  }

  .talk {
    display: flex;
    flex: 1;
    flex-direction: column;
    inline-size: 100%;
    margin-inline: auto;
    max-inline-size: 52rem;
  }

  .talk header {
    align-items: center;
    background: var(--idc-ground);
    border-block-end: 1px solid var(--idc-line);
    display: flex;
    gap: 0.5rem 1rem;
    inset-block-start: 0;
    justify-content: space-between;
    padding: 0.75rem 1rem;
    position: sticky;
    z-index: 1;
  }

  .talk h1 {
    font-size: 1.125rem;
    margin-block-end: 0.375rem;
  }

  .talk h1:focus {
    outline-offset: 1px;
  }

  .talk header p {
    font-size: 0.9375rem;
  }

  .facts {
    display: flex;
    flex-wrap: wrap;
    gap: 0 0.875rem;
  }

  .talk header .button {
    flex: none;
    max-inline-size: 45%;
  }

  .present {
    white-space: nowrap;
  }

  .present::before {
    background: var(--idc-ok-edge);
    block-size: 0.625rem;
    border-radius: 50%;
    content: "";
    display: inline-block;
    inline-size: 0.625rem;
    margin-inline-end: 0.375rem;
  }

  .said {
    display: flex;
    flex: 1;
    flex-direction: column;
    justify-content: flex-end;
    padding: 1.25rem 1rem;
  }

  .talk footer {
    background: var(--idc-card);
    border-block-start: 1px solid var(--idc-line);
    display: grid;
    gap: 0.5rem;
    inset-block-end: 0;
    padding: 0.75rem 1rem;
    position: sticky;
    z-index: 1;
  }

  @media (min-width: 52rem) {
    .talk footer {
      border: 1px solid var(--idc-line);
      border-block-end: 0;
      border-start-end-radius: calc(var(--idc-radius) * 1.5);
      border-start-start-radius: calc(var(--idc-radius) * 1.5);
    }
  }

  @media (max-width: 30rem) {
    .card > .actions .button {
      inline-size: 100%;
    }
  }

  @media (prefers-reduced-motion: no-preference) {
    .busy::before {
      animation: pass 1.8s ease-in-out infinite alternate;
    }

    @keyframes pass {
      to {
        translate: 185%;
      }
    }
  }

  @media (forced-colors: active) {
    .place,
    .busy {
      border: 1px solid;
    }
  }
`;
