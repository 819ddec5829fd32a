// Presses the button of the landing page. The ticket is exchanged by a POST only, so that a program that merely
// fetches links, such as a mail scanner, does not use it up.
"use strict";
document.querySelector("form[data-land]").requestSubmit();
