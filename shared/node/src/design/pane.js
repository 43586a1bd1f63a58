// A page shown in a pane beside others on the same machine: it says which tickets it shows when the page around it asks, and
// takes ticket codes that are held to it. Pages of other hosts are neither told nor listened to.

let shown = [];

function around(event, word) {
  return event.source === window.parent && event.data?.usher === word && sameHost(event.origin);
}

function sameHost(origin) {
  try {
    return new URL(origin).hostname === location.hostname;
  } catch {
    return false;
  }
}

/** Shows tickets, `[{seat, code, title}]`, to the page around this one whenever it asks. */
export function showTickets(tickets) {
  const first = shown.length === 0;
  shown = tickets;
  if (!first || window.parent === window) return;
  window.addEventListener("message", (event) => {
    if (around(event, "tickets?")) event.source.postMessage({ usher: "tickets", tickets: shown }, event.origin);
  });
}

/** Calls `take(code)` when the page around this one holds a ticket under the reader. */
export function onPresented(take) {
  window.addEventListener("message", (event) => {
    if (around(event, "present") && typeof event.data.code === "string") take(event.data.code);
  });
}

/** Asks a pane which tickets it shows; the question says nothing, so it may go to whatever is there now. */
export function askTickets(pane) {
  pane.contentWindow?.postMessage({ usher: "tickets?" }, "*");
}

/** Calls `take(tickets)` when a pane answers. */
export function onTickets(take) {
  window.addEventListener("message", (event) => {
    if (sameHost(event.origin) && event.data?.usher === "tickets") take(event.data.tickets);
  });
}

/** Holds a ticket under the reader of the page in a pane. */
export function present(pane, code) {
  pane.contentWindow.postMessage({ usher: "present", code }, new URL(pane.src).origin);
}
