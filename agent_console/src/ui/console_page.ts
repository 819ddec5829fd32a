import { html, LitElement, nothing, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import { Attention, isLookedAt } from "../../../client/src/attention.ts";
import { lastSeq } from "../../../client/src/conversation_log.ts";
import { tabStorage } from "../../../client/src/environment.ts";
import type { ConsoleTexts } from "../../../client/src/generated/texts.ts";
import { type Language, languageOf } from "../../../client/src/i18n/language.ts";
import { readFrom, writeTo } from "../../../client/src/outbox.ts";
import type { Composer } from "../../../client/src/ui/composer.ts";
import type { ConfirmDialog } from "../../../client/src/ui/confirm_dialog.ts";
import { connectionNotice } from "../../../client/src/ui/connection_notice.ts";
import { warningIcon } from "../../../client/src/ui/icons.ts";
import { common } from "../../../client/src/ui/styles.ts";
import { Ticker } from "../../../client/src/ui/ticker.ts";
import { ConsoleController, type ConsoleHost } from "../console_controller.ts";
import { type Call, logOf, unread, unreadInAll } from "../console_state.ts";
import { CONSOLE } from "../texts.ts";
import { consoleStyles } from "./console_styles.ts";
import { conversationPane } from "./conversation.ts";
import { offers } from "./offers.ts";
import { overview } from "./overview.ts";
import { overviewStyles } from "./overview_styles.ts";
import { panel } from "./panel.ts";
import { panelStyles } from "./panel_styles.ts";
import { sidebar } from "./sidebar.ts";
import { logOut, type Top, topBar } from "./top.ts";
import { topStyles } from "./top_styles.ts";
import type { Tab, View } from "./view.ts";

/** As in the styles. */
const ONE_COLUMN = "(max-width: 44rem)";
const SELECTED_KEY = "idcontact.selected";

/**
 * The console of agents and supervisors: `<id-contact-console lang="nl" csrf="…">`.
 *
 * The socket is at `{address of this page}/socket`, or where `socket` says; `logout` is where log-out is posted to.
 */
export class ConsolePage extends LitElement implements ConsoleHost {
  static override styles = [...common, topStyles, consoleStyles, panelStyles, overviewStyles];

  @property() csrf = "";
  @property() socket = "";
  @property() logout = "/staff/logout";
  @state() private selected = readFrom(tabStorage(), SELECTED_KEY);
  @state() private tab: Tab | undefined;
  @query("idc-confirm-dialog") private readonly dialog!: ConfirmDialog;
  @query(".said") private readonly said!: Element | null;

  readonly #controller = new ConsoleController(this);
  readonly #attention = new Attention(this);
  readonly #site = document.title.split(" · ").at(-1) ?? "";
  readonly #onLook = () => this.#tellSeen();
  #ending: string | undefined;
  /** An accepted conversation whose typing box is to have the focus as soon as it is there. */
  #typeIn: string | undefined;

  constructor() {
    super();
    new Ticker(this);
  }

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
    if (call === "offer") this.#attention.call("offer", texts.offerTitle);
    else if (!isLookedAt() || this.#unreadElsewhere()) this.#attention.call("message", texts.unread(this.#unread()));
  }

  accepted(conversation: string): void {
    this.tab = "work";
    this.#select(conversation);
    this.#typeIn = conversation;
  }

  get #language(): Language {
    return languageOf(this, CONSOLE.languages);
  }

  get #texts(): ConsoleTexts {
    return CONSOLE.in(this.#language);
  }

  override render(): TemplateResult {
    const { me } = this.#controller.state;
    if (me === undefined) return this.#withoutWelcome();
    const view = this.#view();
    const tabs = this.#tabs();
    const tab = this.tab !== undefined && tabs.includes(this.tab) ? this.tab : (tabs[0] ?? "work");
    return html`<div class="app">
        ${topBar(view, this.#top(tab, tabs))}
        <div class="above">${this.#notices(view)} ${offers(view)}</div>
        ${tab === "overview" ? overview(view) : this.#work(view)}
      </div>
      ${this.#endDialog(view)}`;
  }

  override updated(): void {
    const count = this.#unread();
    this.#attention.setTitle(`${count > 0 ? this.#texts.newCount(count) : ""}${this.#texts.title} · ${this.#site}`);
    this.#tellSeen();
    this.#moveFocus();
  }

  #moveFocus(): void {
    const composer = this.renderRoot.querySelector<Composer>("idc-composer");
    if (this.#typeIn === undefined || composer?.draftKey !== this.#typeIn) return;
    this.#typeIn = undefined;
    void composer.updateComplete.then(() => {
      composer.focus();
      this.#showPane();
    });
  }

  /** Where the parts stand below each other: the conversation as a whole, not just the box that has the focus. */
  #showPane(): void {
    if (matchMedia(ONE_COLUMN).matches) this.renderRoot.querySelector(".pane")?.scrollIntoView();
  }

  #view(): View {
    const { state } = this.#controller;
    const known = this.selected !== undefined && state.conversations.has(this.selected);
    return {
      state,
      controller: this.#controller,
      attention: this.#attention,
      texts: this.#texts,
      language: this.#language,
      now: this.#controller.now,
      selected: known ? this.selected : [...state.conversations.keys()][0],
      select: (conversation) => {
        this.#select(conversation);
        void this.updateComplete.then(() => this.#showPane());
      },
      askToEnd: () => this.#askToEnd(),
    };
  }

  /** An agent works; a supervisor watches; who is both does both. */
  #tabs(): Tab[] {
    const roles = this.#controller.state.me?.roles ?? [];
    const watches = roles.includes("supervisor") || roles.includes("administrator");
    const works = roles.includes("agent") || !watches;
    return [...(works ? (["work"] as const) : []), ...(watches ? (["overview"] as const) : [])];
  }

  #top(tab: Tab, tabs: readonly Tab[]): Top {
    const show = (chosen: Tab) => {
      this.tab = chosen;
    };
    return { tab, tabs, show, csrf: this.csrf, logOutUrl: this.logout };
  }

  #work(view: View): TemplateResult {
    const conversation = view.selected === undefined ? undefined : view.state.conversations.get(view.selected);
    return html`<div class="work">
      ${sidebar(view)}
      ${
        conversation === undefined
          ? html`<div class="empty soft">${this.#nothingToDo(view)}</div>`
          : html`${conversationPane(view, conversation)} ${panel(view, conversation)}`
      }
    </div>`;
  }

  #nothingToDo({ state, texts }: View): string {
    return state.me?.status === "away" ? texts.noConversationsAway : texts.noConversations;
  }

  #notices({ texts, state, controller }: View): TemplateResult {
    const failure =
      controller.failure === undefined
        ? nothing
        : html`<div class="notice error">${warningIcon}<div>${texts.failures[controller.failure]}</div></div>`;
    const missed = html`<div class="notice warning">
      ${warningIcon}
      <div>
        <span>${texts.missedOffers}</span>
        <button type="button" class="button secondary" @click=${() => void controller.setStatus("available")}>
          ${texts.availableAgain}
        </button>
      </div>
    </div>`;
    return html`${connectionNotice(controller.status, this.#language)}
      <div role="alert" class="notices">${failure} ${state.missedOffers ? missed : nothing}</div>`;
  }

  /** Before the server has said anything, or when it never will. */
  #withoutWelcome(): TemplateResult {
    const { status } = this.#controller;
    const texts = this.#texts;
    return html`<div class="app">
      <header class="top">
        <h1>${texts.title}</h1>
        <div class="right">${logOut({ controller: this.#controller, texts }, this.#top("work", []))}</div>
      </header>
      <div class="above">${connectionNotice(status, this.#language)}</div>
      <div class="empty soft">${status.kind === "stopped" ? nothing : texts.loading}</div>
    </div>`;
  }

  #endDialog({ texts }: View): TemplateResult {
    return html`<idc-confirm-dialog
      .heading=${texts.endTitle}
      .text=${texts.endText}
      .yes=${texts.endYes}
      .no=${texts.endNo}
      @confirmed=${this.#end}
    ></idc-confirm-dialog>`;
  }

  #askToEnd(): void {
    this.#ending = this.#view().selected;
    this.dialog.open();
  }

  /** The conversation that was asked about, whatever is selected by now. */
  #end(): void {
    if (this.#ending !== undefined) void this.#controller.end(this.#ending);
  }

  #select(conversation: string): void {
    this.selected = conversation;
    writeTo(tabStorage(), SELECTED_KEY, conversation);
  }

  #unread(): number {
    return unreadInAll(this.#controller.state);
  }

  #unreadElsewhere(): boolean {
    const { state } = this.#controller;
    const { selected } = this.#view();
    return this.#unread() > (selected === undefined ? 0 : unread(state, selected));
  }

  /** What is in view counts as seen: the selected conversation, while somebody may be looking. */
  #tellSeen(): void {
    const { selected, state } = this.#view();
    const inView = this.said !== null && document.visibilityState === "visible";
    if (selected !== undefined && inView) this.#controller.seen(selected, lastSeq(logOf(state, selected)));
  }
}
