// Keeps the room as it is on the server. Events say only that something changed; what is shown comes from the page
// itself, so that there is one place that makes it. A document that is fetched runs nothing and is no string of HTML:
// Trusted Types have nothing to forbid.
const shown = element("[data-room]");
const lost = element("[data-lost]");
let fetching = false;
let changedMeanwhile = false;

/**
 * What the page always has.
 *
 * @param {string} selector
 */
function element(selector) {
  const found = document.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`the page has no ${selector}`);
  return found;
}

function look() {
  if (fetching) {
    changedMeanwhile = true;
    return;
  }
  fetching = true;
  changedMeanwhile = false;
  const request = new XMLHttpRequest();
  request.open("GET", location.href);
  request.setRequestHeader("Accept", "text/html");
  request.responseType = "document";
  request.onloadend = () => {
    fetching = false;
    /** @type {Document | null} */
    const page = request.response;
    const room = page?.querySelector("[data-room]");
    if (room) {
      shown.replaceChildren(...document.adoptNode(room).childNodes);
    } else if (request.status === 400 || request.status === 200) {
      location.reload(); // the link or the log-in has expired: the page says which
      return;
    } else {
      setTimeout(look, 3000);
    }
    if (changedMeanwhile) {
      look();
    }
  };
  request.send();
}

/** @param {boolean} again */
function listen(again) {
  const events = new EventSource(shown.dataset.live ?? "");
  events.onopen = () => {
    lost.hidden = true;
    if (again) {
      look(); // what the earlier connection saw last, this one does not know
    }
  };
  events.onerror = () => {
    lost.hidden = false;
    if (events.readyState === EventSource.CLOSED) {
      setTimeout(listen, 3000, true); // after an answer that is no stream, a browser does not come back by itself
    }
  };
  events.onmessage = ({ data }) => {
    if (data === "update") {
      look();
    } else if (data === "badrequest" || data === "forbidden") {
      events.close();
      location.reload();
    }
  };
}

listen(false);
