import type { Attention } from "../../../client/src/attention.ts";
import type { ConsoleTexts } from "../../../client/src/generated/texts.ts";
import type { Language } from "../../../client/src/i18n/language.ts";
import type { ConsoleController } from "../console_controller.ts";
import type { ConsoleState } from "../console_state.ts";

/** Which of the console's two views is shown. */
export type Tab = "work" | "overview";

/** What the parts of the console are made of. */
export interface View {
  state: ConsoleState;
  controller: ConsoleController;
  attention: Attention;
  texts: ConsoleTexts;
  language: Language;
  /** By the clock of the store, in milliseconds. */
  now: number;
  /** The conversation that is looked at. */
  selected: string | undefined;
  select: (conversation: string) => void;
  /** Opens the question before a conversation is ended. */
  askToEnd: () => void;
}

/** What a purpose is called; its tag, where this person has no name for it. */
export function purposeName({ state }: View, purpose: string): string {
  return state.me?.purposes[purpose] ?? purpose;
}
