import { define } from "../../client/src/ui/define.ts";
import { StartElement } from "./start/start_element.ts";

define("id-contact", StartElement);

declare global {
  interface HTMLElementTagNameMap {
    "id-contact": StartElement;
  }
}
