import { html, nothing, type TemplateResult } from "lit/html.js";
import type { StartTexts } from "../../../client/src/generated/texts.ts";
import type { Language } from "../../../client/src/i18n/language.ts";
import { clockIcon, infoIcon, verifiedIcon, warningIcon } from "../../../client/src/ui/icons.ts";
import { availabilityInWords, isClosed } from "./availability.ts";
import {
  answered,
  type Choice,
  commMethodOf,
  isLastStep,
  type Step,
  stepOf,
  stepsOf,
  UNAUTHENTICATED,
} from "./choice.ts";
import type { Method, Problem } from "./options.ts";
import { described, sharedInWords, whatHappens } from "./sentences.ts";

/** What the parts of the block are drawn from. */
export interface View {
  texts: StartTexts;
  language: Language;
  /** Milliseconds since 1970. */
  now: number;
  /** Level of the block's heading on the page around it. */
  level: number;
}

/** How far it is with starting; `slow` when it takes suspiciously long. */
export type Starting = "no" | "yes" | "slow";

/** One way to choose, as it is drawn. */
interface Way {
  tag: string;
  name: string;
  image: string | undefined;
  lines: readonly (string | undefined)[];
  closed: boolean;
}

/** Nothing to choose from; `retrying` while it is asked once more. A page may add how else it is reached. */
export function problemNotice({ texts }: View, problem: Problem, retrying: boolean, retry: () => void): TemplateResult {
  const button = html`<button type="button" class="button secondary" aria-disabled=${retrying ? "true" : nothing} @click=${retry}>
    ${retrying ? texts.tryingAgain : texts.tryAgain}
  </button>`;
  return html`<div class="notice error">
    ${warningIcon}
    <div>
      <p role="alert">${retrying ? nothing : `${texts.problems[problem]} ${texts.nothingShared}`}</p>
      ${problem === "unknown_purpose" ? nothing : button}
      <slot name="problem"></slot>
    </div>
  </div>`;
}

export function closedNotice(view: View, methods: readonly Method[]): TemplateResult {
  const soonest = methods
    .flatMap(({ availability }) => (availability?.until === undefined ? [] : [availability]))
    .sort((one, other) => Date.parse(one.until ?? "") - Date.parse(other.until ?? ""))[0];
  const closed = soonest === undefined ? view.texts.closed : inWords(view, soonest);
  return html`<div class="notice info">
    ${clockIcon}
    <div role="status">
      <p><strong tabindex="-1" data-focus>${closed}</strong></p>
      <p>${view.texts.closedMeans} ${view.texts.nothingShared}</p>
      <slot name="problem"></slot>
    </div>
  </div>`;
}

/** The question of the present step; nothing where there is nothing to ask. */
export function question(view: View, choice: Choice, choose: (tag: string) => void): TemplateResult | typeof nothing {
  const step = stepOf(choice);
  if (step === "summary") return nothing;
  const { texts } = view;
  const ways = step === "auth" ? waysToIdentify(view, choice) : waysToTalk(view, choice);
  const of = stepsOf(choice).length;
  return html`<fieldset>
    <legend tabindex="-1" data-focus>
      ${of > 1 ? html`<span class="step">${texts.step({ step: choice.at + 1, of })}</span>` : nothing}
      ${step === "auth" ? texts.askAuth : texts.askComm}
    </legend>
    ${ways.map((way, index) => option(way, `${step}${index}`, choice[step] === way.tag, () => choose(way.tag)))}
  </fieldset>`;
}

function waysToIdentify({ texts }: View, { options }: Choice): Way[] {
  const ways = options.authMethods.map(({ tag, name, image }) => ({ tag, name, image }));
  if (options.unauthenticated) ways.push({ tag: UNAUTHENTICATED, name: texts.unauthenticated, image: undefined });
  return ways.map((way) => ({ ...way, lines: [described(options, way.tag, texts)], closed: false }));
}

function waysToTalk(view: View, { options }: Choice): Way[] {
  return options.commMethods.map(({ tag, name, image, description, availability }) => {
    const when = availability === undefined ? undefined : inWords(view, availability);
    return { tag, name, image, lines: [description, when], closed: isClosed(availability) };
  });
}

/** What closes while it is chosen stays so, and is said when the person goes on. */
function option(
  { name, image, lines, closed, tag }: Way,
  id: string,
  checked: boolean,
  choose: () => void,
): TemplateResult {
  const said = lines.filter((line) => line !== undefined);
  return html`<label class="option">
    <input
      type="radio"
      name="way"
      .value=${tag}
      .checked=${checked}
      ?disabled=${closed && !checked}
      aria-labelledby="name-${id}"
      aria-describedby=${said.length > 0 ? `said-${id}` : nothing}
      @change=${choose}
    />
    <span class="words">
      <span class="name" id="name-${id}">${name}</span>
      ${said.length > 0 ? html`<span class="soft" id="said-${id}">${said.map((line) => html`<span>${line} </span>`)}</span>` : nothing}
    </span>
    ${image === undefined ? nothing : html`<img src=${image} alt="" @error=${hide} />`}
  </label>`;
}

/** What is shared and for what. */
export function shared({ texts, language }: View, choice: Choice): TemplateResult | typeof nothing {
  const words = sharedInWords(choice, texts, language);
  return words === undefined ? nothing : html`<p class="shared">${verifiedIcon}<span>${words}</span></p>`;
}

/** How long it takes where that is not a question, said again when it changes. */
export function waiting(view: View, choice: Choice): TemplateResult {
  const availability = commMethodOf(choice)?.availability;
  const asked: Step = stepOf(choice);
  const words = availability === undefined || asked === "comm" ? undefined : inWords(view, availability);
  return html`<p class="waiting" role="status">${words === undefined ? nothing : html`${clockIcon}<span>${words}</span>`}</p>`;
}

export function happens({ texts, level }: View, choice: Choice): TemplateResult | typeof nothing {
  if (!isLastStep(choice) || !answered(choice)) return nothing;
  return html`<div class="happens">
    <h3 aria-level=${level + 1}>${infoIcon}${texts.what}</h3>
    <ol>
      ${whatHappens(choice, texts).map((sentence) => html`<li>${sentence}</li>`)}
    </ol>
  </div>`;
}

/** On and back. While starting, the button keeps the focus: it says so, and does nothing. */
export function actions({ texts }: View, choice: Choice, starting: Starting, back: () => void): TemplateResult {
  const label = { no: isLastStep(choice) ? texts.start : texts.next, yes: texts.starting, slow: texts.startAgain };
  return html`<div class="actions">
    <button type="submit" class="button primary" aria-disabled=${starting === "yes" ? "true" : nothing}>
      ${label[starting]}
    </button>
    ${choice.at > 0 ? html`<button type="button" class="button quiet" @click=${back}>${texts.previous}</button>` : nothing}
  </div>`;
}

function inWords(
  { texts, language, now }: View,
  availability: NonNullable<Method["availability"]>,
): string | undefined {
  return availabilityInWords(availability, texts, language, now);
}

function hide(event: Event): void {
  if (event.target instanceof HTMLElement) event.target.hidden = true;
}
