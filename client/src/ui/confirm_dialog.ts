import { css, html, LitElement, type TemplateResult } from "lit";
import { property, query } from "lit/decorators.js";
import { common } from "./styles.ts";

/** Asks before something that cannot be undone. Fires `confirmed`; Escape and the other button do nothing. */
export class ConfirmDialog extends LitElement {
  static override styles = [
    ...common,
    css`
      dialog {
        background: var(--idc-card);
        border: 1px solid var(--idc-line);
        border-radius: calc(var(--idc-radius) * 1.5);
        box-shadow: 0 16px 48px rgb(15 30 50 / 25%);
        color: inherit;
        inline-size: min(30rem, calc(100vw - 2rem));
        padding: 1.5rem;
      }

      dialog::backdrop {
        background: rgb(15 25 40 / 55%);
      }

      .content {
        display: grid;
        gap: 1rem;
      }

      .actions {
        margin-block-start: 0.5rem;
      }

      @media (max-width: 30rem) {
        .actions .button {
          inline-size: 100%;
        }
      }
    `,
  ];

  @property() heading = "";
  @property() text = "";
  @property() yes = "";
  @property() no = "";
  @query("dialog") private readonly dialog!: HTMLDialogElement;

  open(): void {
    this.dialog.showModal();
  }

  close(): void {
    if (this.dialog.open) this.dialog.close();
  }

  override render(): TemplateResult {
    return html`<dialog aria-labelledby="heading" aria-describedby="text">
      <div class="content">
        <h2 id="heading">${this.heading}</h2>
        <p id="text">${this.text}</p>
        <div class="actions">
          <button type="button" class="button danger" @click=${this.#confirm}>${this.yes}</button>
          <button type="button" class="button secondary" autofocus @click=${this.close}>${this.no}</button>
        </div>
      </div>
    </dialog>`;
  }

  #confirm(): void {
    this.close();
    this.dispatchEvent(new Event("confirmed"));
  }
}
