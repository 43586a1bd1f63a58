// A page shown in a pane beside others on the same machine: it says which tickets are on show and takes ticket codes.
// Pages of other hosts are neither told nor listened to.

function sameHost(origin) {
  try {
    return new URL(origin).hostname === location.hostname;
  } catch {
    return false;
  }
}

/** Tells the page around this one which tickets are on show: `[{seat, code, title}]`. */
export function showTickets(tickets) {
  if (window.parent === window || !sameHost(document.referrer)) return;
  window.parent.postMessage({ usher: "tickets", tickets }, new URL(document.referrer).origin);
}

/** Calls `take(code)` when the page around this one holds a ticket under the reader. */
export function onPresented(take) {
  window.addEventListener("message", (event) => {
    const presented = event.source === window.parent && sameHost(event.origin) && event.data?.usher === "present";
    if (presented && typeof event.data.code === "string") take(event.data.code);
  });
}

/** Calls `take(tickets)` when a page in a pane says which tickets it shows. */
export function onTickets(take) {
  window.addEventListener("message", (event) => {
    if (sameHost(event.origin) && event.data?.usher === "tickets") take(event.data.tickets);
  });
}

/** Holds a ticket under the reader of the page in a pane. */
export function present(pane, code) {
  pane.contentWindow.postMessage({ usher: "present", code }, new URL(pane.src).origin);
}
