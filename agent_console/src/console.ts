import { Composer } from "../../client/src/ui/composer.ts";
import { ConfirmDialog } from "../../client/src/ui/confirm_dialog.ts";
import { define } from "../../client/src/ui/define.ts";
import { MessageList } from "../../client/src/ui/message_list.ts";
import { ConsolePage } from "./ui/console_page.ts";

define("idc-composer", Composer);
define("idc-confirm-dialog", ConfirmDialog);
define("idc-message-list", MessageList);
define("id-contact-console", ConsolePage);
