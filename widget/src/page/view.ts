import type { Attention } from "../../../client/src/attention.ts";
import type { EndUserConversation } from "../../../client/src/generated/messages.ts";
import type { PageTexts } from "../../../client/src/generated/texts.ts";
import type { Language } from "../../../client/src/i18n/language.ts";
import type { ConversationController } from "./conversation_controller.ts";

/** What the pages of the end user are made of. */
export interface View {
  conversation: EndUserConversation;
  controller: ConversationController;
  attention: Attention;
  texts: PageTexts;
  language: Language;
  /** Opens the question before something that cannot be undone. */
  askToEnd: () => void;
}
