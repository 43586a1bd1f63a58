// Finding a sale by what a guest has of it: the code on the paper, the ticket under the reader, or the seat.

import { paid, STATES } from "./sold.js";
import { clock, complain, el, notice, seatList } from "./words.js";

const CODE_LETTERS = 8;
const TICKET_LETTERS = 60;

/** What a text looks for, as a query: a short code, a ticket, or a seat of the show that is chosen. */
export function queryOf(text, show) {
  const letters = text.replace(/[\s-]/g, "");
  if (letters.length >= TICKET_LETTERS) return { ticket: letters };
  if (letters.length === CODE_LETTERS) return { code: letters };
  return show ? { show, seat: letters } : { code: letters };
}

/** The panel: what to look for, and what was found. `act` has `find(text)`, `open(sale)` and `back`. */
export function findPanel({ sales, word }, act) {
  const text = el("input", { class: "input", id: "find", name: "text", autocomplete: "off", autocapitalize: "characters", spellcheck: "false" });
  const onsubmit = (event) => {
    event.preventDefault();
    if (text.value.trim()) act.find(text.value);
  };
  const list = sales.map((sale) => el("li", {}, el("button", { class: "button found", type: "button", onclick: () => act.open(sale) }, ...told(sale))));
  return el(
    "div",
    { class: "stack" },
    el(
      "form",
      { class: "stack", onsubmit },
      el("label", { class: "field" }, el("span", {}, "Code, seat, or the ticket under the reader"), text),
      el("button", { class: "button main wide", type: "submit" }, "Find ", el("kbd", {}, "Enter")),
    ),
    el("h3", { class: "quiet" }, word),
    el("ol", { class: "plain founds" }, ...(list.length > 0 ? list : [el("li", { class: "quiet" }, "None.")])),
    el("button", { class: "link", type: "button", onclick: act.back }, "Back ", el("kbd", {}, "Esc")),
  );
}

function told(sale) {
  const { code, show, tickets } = sale;
  const states = new Set(tickets.map((ticket) => STATES[ticket.state]?.toLowerCase()).filter(Boolean));
  return [
    el("strong", {}, `${spaced(code)} · ${seatList(tickets.map((ticket) => ticket.seat))}`),
    el("span", {}, [`${clock(show.starts_at)} ${show.movie.title}`, paid(sale), ...states].join(" · ")),
  ];
}

/** A short code as people read it out. */
export function spaced(code) {
  return code.replace(/^(.{4})/, "$1 ");
}

/** Looks for sales: `{sales, word}`, or nothing where the box did not answer. `place` tells what was not found. */
export async function look(ask, query, place) {
  const answer = await ask("GET", `/v1/sales?${new URLSearchParams(query)}`);
  complain(place, answer.problem);
  if (!answer.ok) return null;
  const { sales, online } = answer.data;
  if (online) notice(place, "warn", `${spaced(online)} was bought online`, "Its buyer cancels it where it was bought. It is not this counter's money.");
  else if (sales.length === 0 && !query.list) notice(place, "warn", "No such sale", "Check the code, or look for the seat: the show is the one that is chosen on the left.");
  return { sales, word: query.list ? "Your last sales" : "Found" };
}
