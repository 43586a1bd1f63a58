// Seats as they change: server-sent events, and asking every few seconds while they do not come.

import { every, request } from "./api.js";

const POLL_MS = 5000;
const REOPEN_MS = 20000;

/** Calls `onsnapshot(view)` for whole maps and `onstates(states, link)` for changes, for as long as the page lives. */
export function follow(show, version, { onsnapshot, onstates }) {
  let etag = `"${version}"`;
  let stopPolling = null;

  const refresh = async () => {
    const answer = await request("GET", `/v1/shows/${show}/seats`, { etag });
    if (!answer.ok) return;
    etag = answer.etag;
    onsnapshot(answer.data);
  };

  const open = () => {
    const events = new EventSource(`/v1/shows/${show}/events`);
    events.addEventListener("open", () => {
      stopPolling?.();
      stopPolling = null;
      // Whatever changed before the stream began is in the snapshot.
      refresh();
    });
    events.addEventListener("seats", (event) => {
      const { seats, link, version: now } = JSON.parse(event.data);
      etag = now ? `"${now}"` : etag;
      onstates(seats ?? {}, link);
    });
    events.addEventListener("error", () => {
      stopPolling ??= every(POLL_MS, refresh);
      if (events.readyState === EventSource.CLOSED) setTimeout(open, REOPEN_MS);
    });
  };
  open();
  return refresh;
}
