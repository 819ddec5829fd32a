import type { Step } from "./choice.ts";
import type { Problem } from "./options.ts";

/**
 * What `<id-contact>` tells the page around it. All bubble, and cross shadow roots. None holds anything about the
 * person; a tag says which method was chosen, as the core's settings call it.
 */
export interface StartEvents {
  /** The core has said what can be chosen; `open` is false when it is all closed now. */
  "idc-options": { purpose: string; authMethods: string[]; commMethods: string[]; open: boolean };
  /** The person is asked something, or shown what will happen. */
  "idc-step": { step: Step; number: number; of: number };
  /** Something was chosen; without `tag` it is not to identify. */
  "idc-choice": { step: Step; tag: string | undefined };
  /** The person starts, and leaves this page. `preventDefault()` keeps them here. */
  "idc-start": { purpose: string; authMethod: string | undefined; commMethod: string | undefined };
  /** There is nothing to choose from, or starting takes long. */
  "idc-problem": { problem: Problem | "closed" | "slow_start" };
}

type StartEventMap = { [Name in keyof StartEvents]: CustomEvent<StartEvents[Name]> };

declare global {
  interface HTMLElementEventMap extends StartEventMap {}
}

/** Tells it; false when `idc-start` was refused. */
export function tell<Name extends keyof StartEvents>(
  element: HTMLElement,
  name: Name,
  detail: StartEvents[Name],
): boolean {
  const cancelable = name === "idc-start";
  return element.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable }));
}
