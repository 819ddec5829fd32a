// Presses the button of the landing page. The ticket is exchanged by a POST only, so that a program that merely
// fetches links, such as a mail scanner, does not use it up.
const form = document.querySelector("form[data-land]");
if (form instanceof HTMLFormElement) {
  form.requestSubmit();
}
