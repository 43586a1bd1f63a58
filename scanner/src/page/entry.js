// What can be done about an entry: taken back, let in by a supervisor, or let out and in again.

import { freshKey, request } from "./api.js";

const UNDO_MS = 10_000;
const STAYS = { undo_over: "let in longer ago than ten seconds", not_inside: "nobody is inside on it", no_reentry: "no way back in", not_counted: "the box does not count it" };
const byId = (id) => document.getElementById(id);

let last = null;
// What the dialog of a supervisor was opened about: another ticket may be read while it is filled in.
let asked = null;
let undoTimer = 0;

/** Keeps what the last verdict was about, and shows what can be done. */
export function about(verdict, code, keys) {
  last = { verdict, code, keys };
  clearTimeout(undoTimer);
  byId("undo-key").hidden = entered(verdict).length === 0;
  byId("let-in-key").hidden = !(verdict.verdict !== "admit" && verdict.ticket && code);
  undoTimer = setTimeout(() => (byId("undo-key").hidden = true), UNDO_MS);
}

// The tickets whose entries a verdict tells of.
function entered(verdict) {
  return verdict.entered ?? (verdict.verdict === "admit" && verdict.ticket ? [verdict.ticket] : []);
}

/** Whether codes are read on the way out. */
export function goesOut() {
  return byId("out-key").getAttribute("aria-pressed") === "true";
}

/** What a departure is answered, as a verdict to be shown. */
export function departed(answer, words, { seats = {} } = {}) {
  if (answer.ok) {
    const where = answer.data.shared ? "at any door." : "here; other doors hear of it later.";
    const lines = (answer.data.stay ?? []).map(({ ticket, code }) => `${seats[ticket] ?? "The first one"} stays in: ${STAYS[code] ?? code}`);
    const again = `The ${answer.data.ticket ? "ticket" : "tickets"} may enter again ${where}`;
    const text = answer.data.used ? "Counted out: nobody comes back in on this ticket." : again;
    return { verdict: "out", code: "departed", words, text, guarantee: "", lines };
  }
  const text = answer.problem?.detail || answer.problem?.title || "No answer.";
  // Only what the doors know of the ticket is a no; the rest says nothing about it.
  if (answer.status !== 409) return { verdict: "unknown", code: "not_checked", text, guarantee: "" };
  return { verdict: "refuse", code: answer.problem.code, text, guarantee: "" };
}

/** Wires the keys; `show` is given a verdict, and `turn()` is called when codes are read on the other way. */
export function listenToKeys(show, turn) {
  byId("undo-key").addEventListener("click", async () => {
    byId("undo-key").hidden = true;
    const undoing = last;
    const { verdict } = undoing;
    undoing.id ??= freshKey();
    const tickets = entered(verdict);
    const named = verdict.entered ? { tickets } : { ticket: tickets[0] };
    const answer = await request("POST", "/v1/departures", { body: { how: "undone", id: undoing.id, ...named }, patience: 5000 });
    // Whether it was taken back is not known: it may be asked for again, under the same number.
    if (answer.status === 0 && undoing === last) byId("undo-key").hidden = false;
    else show(departed(answer, "Taken back", verdict));
  });
  const go = (way) => {
    byId("out-key").setAttribute("aria-pressed", String(way === "out"));
    document.body.dataset.way = way;
    // Where the settings are locked nobody could turn it again after a reload.
    localStorage.setItem("way", way);
    turn();
  };
  byId("out-key").addEventListener("click", () => go(goesOut() ? "in" : "out"));
  if (localStorage.getItem("way") === "out") go("out");
  byId("let-in-key").addEventListener("click", () => {
    asked = last;
    byId("let-in").showModal();
  });
  byId("let-in-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const { person, reason, staff, pin } = Object.fromEntries(new FormData(event.target));
    const about = asked;
    about.override ??= freshKey();
    const { code, keys, override, verdict: { ticket } } = about;
    const answer = await request("POST", "/v1/overrides", { body: { code, keys, ticket, id: override, person, reason, staff, pin }, patience: 8000 });
    byId("let-in-fault").textContent = answer.ok ? "" : (answer.problem?.detail ?? "The box does not answer.");
    event.target.elements.pin.value = "";
    if (!answer.ok) return;
    byId("let-in").close();
    if (about === last) byId("let-in-key").hidden = true;
    show(answer.data);
  });
}
