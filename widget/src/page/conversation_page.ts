import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, query } from "lit/decorators.js";
import { Attention, isLookedAt } from "../../../client/src/attention.ts";
import { lastSeq } from "../../../client/src/conversation_log.ts";
import { type Call, type Page, pageOf } from "../../../client/src/conversation_state.ts";
import type { PageTexts } from "../../../client/src/generated/texts.ts";
import { type Language, languageOf } from "../../../client/src/i18n/language.ts";
import { SHARED } from "../../../client/src/i18n/shared.ts";
import type { ConfirmDialog } from "../../../client/src/ui/confirm_dialog.ts";
import { connectionNotice } from "../../../client/src/ui/connection_notice.ts";
import { warningIcon } from "../../../client/src/ui/icons.ts";
import { common } from "../../../client/src/ui/styles.ts";
import { ConversationController, type ConversationHost } from "./conversation_controller.ts";
import { endedPage } from "./ended.ts";
import { identifyingPage, notIdentifiedPage } from "./identification.ts";
import { pageStyles } from "./page_styles.ts";
import { talkingPage } from "./talking.ts";
import { PAGE } from "./texts.ts";
import type { View } from "./view.ts";
import { waitingPage } from "./waiting.ts";

/**
 * The end user's page, from the landing to the end: `<id-contact-conversation conversation="…" lang="nl">`.
 *
 * The socket is at `{address of this page}/socket`, or where `socket` says.
 */
export class ConversationPage extends LitElement implements ConversationHost {
  static override styles = [...common, pageStyles];

  @property() conversation = "";
  @property() socket = "";
  @query("idc-confirm-dialog") private readonly dialog!: ConfirmDialog;

  readonly #controller = new ConversationController(this);
  readonly #attention = new Attention(this);
  readonly #site = document.title.split(" · ").at(-1) ?? "";
  readonly #onLook = () => this.#tellSeen();
  #shown: Page | undefined;
  /** Up to where, of which log. */
  #toldSeen = "";

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("visibilitychange", this.#onLook);
  }

  override disconnectedCallback(): void {
    document.removeEventListener("visibilitychange", this.#onLook);
    super.disconnectedCallback();
  }

  socketUrl(): string {
    const path = this.socket === "" ? `${location.pathname.replace(/\/$/, "")}/socket` : this.socket;
    const url = new URL(path, location.href);
    url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
    return url.href;
  }

  callForAttention(call: Call): void {
    const texts = this.#texts;
    if (call === "accepted") this.#attention.call("accepted", texts.callAccepted);
    else if (call === "still_there") this.#attention.call("message", texts.callStillThere);
    else if (!isLookedAt()) this.#attention.call("message", texts.callMessage);
  }

  get #language(): Language {
    return languageOf(this, PAGE.languages);
  }

  get #texts(): PageTexts {
    return PAGE.in(this.#language);
  }

  override render(): TemplateResult {
    const { conversation } = this.#controller.state;
    if (conversation === undefined) return this.#withoutConversation();
    const page = pageOf(this.#controller.state);
    const view: View = {
      conversation,
      controller: this.#controller,
      attention: this.#attention,
      texts: this.#texts,
      language: this.#language,
      askToEnd: () => this.dialog.open(),
    };
    return html`${this.#page(page, view)} ${this.#endDialog(page)}`;
  }

  override updated(_changed: PropertyValues<this>): void {
    const page = pageOf(this.#controller.state);
    const title = this.#texts.titles[page === "waiting" || page === "talking" || page === "ended" ? page : "other"];
    this.#attention.setTitle(`${title} · ${this.#site}`);
    this.#tellSeen();
    if (page === this.#shown) return;
    // A page in the place of another: whoever cannot see it is told by where the focus goes.
    if (this.#shown !== undefined && this.#shown !== "loading") {
      this.dialog?.close();
      this.renderRoot.querySelector<HTMLElement>("h1")?.focus({ preventScroll: page === "talking" });
    }
    this.#shown = page;
  }

  #page(page: Page, view: View): TemplateResult {
    if (page === "talking") return talkingPage(view, this.#notices());
    const ended = page === "ended";
    return html`<div class="sheet">${ended ? nothing : this.#notices()}${this.#sheet(page, view)}</div>`;
  }

  #sheet(page: Page, view: View): TemplateResult {
    switch (page) {
      case "not_identified":
        return notIdentifiedPage(view);
      case "waiting":
        return waitingPage(view);
      case "ended":
        return endedPage(view);
      default:
        return identifyingPage(view);
    }
  }

  /** Before the server has said anything, or when it never will. */
  #withoutConversation(): TemplateResult {
    const { status } = this.#controller;
    if (status.kind === "stopped" && ["not_authenticated", "not_allowed", "gone"].includes(status.reason)) {
      return html`<div class="sheet">
        <section class="card" role="alert">
          <h1>${this.#texts.gone}</h1>
          <p>${this.#texts.startAgain}</p>
        </section>
      </div>`;
    }
    return html`<div class="sheet">
      ${connectionNotice(status, this.#language)}
      <section class="card" aria-busy="true">
        <h1>${this.#texts.loading}</h1>
        <div class="busy" aria-hidden="true"></div>
      </section>
    </div>`;
  }

  #notices(): TemplateResult {
    const failed = html`<div class="notice error">${warningIcon}<div>${SHARED.in(this.#language).didNotWork}</div></div>`;
    return html`${connectionNotice(this.#controller.status, this.#language)}
      <div role="alert" class="notices">${this.#controller.failed ? failed : nothing}</div>`;
  }

  #endDialog(page: Page): TemplateResult {
    const texts = this.#texts;
    const leaving = page === "waiting";
    return html`<idc-confirm-dialog
      .heading=${leaving ? texts.leaveTitle : texts.endTitle}
      .text=${leaving ? texts.leaveText : texts.endText}
      .yes=${leaving ? texts.leaveYes : texts.endYes}
      .no=${leaving ? texts.leaveNo : texts.endNo}
      @confirmed=${() => void this.#controller.end()}
    ></idc-confirm-dialog>`;
  }

  #tellSeen(): void {
    const state = this.#controller.state;
    const seq = lastSeq(state.log);
    const last = `${state.log.logId} ${seq}`;
    const online = this.#controller.status.kind === "online";
    if (last === this.#toldSeen || !online || pageOf(state) !== "talking" || document.visibilityState === "hidden")
      return;
    this.#toldSeen = last;
    this.#controller.seen(seq);
  }
}
