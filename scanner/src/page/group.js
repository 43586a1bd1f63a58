// The others of a booking: offered where one of them was let in, or where its short code was typed, and let in all together or some of them, each by a verdict of its own.

import { freshKey, request } from "./api.js";
import { clockHere, count } from "./words.js";
import { wordsOf } from "./verdict.js";

const KEY = "F2";
// What is seen first if not everybody may come in.
const WORST = ["refuse", "unknown", "already", "admit"];
const byId = (id) => document.getElementById(id);

// The ticket that was let in or the short code that was typed, and the number of each other one's scan, which stays the same however often it is asked.
let offered = null;

/** Offers those who are outside yet, if the verdict names any. Returns whether it does. */
export function offer(verdict) {
  const others = ((verdict.verdict === "admit" || verdict.booking) && verdict.group) || [];
  const hadFocus = byId("group").contains(document.activeElement);
  const ids = Object.fromEntries(others.map(({ ticket }) => [ticket, freshKey()]));
  offered = others.length > 0 ? { by: verdict.booking ? { booking: verdict.booking } : { with: verdict.ticket }, ids } : null;
  byId("group").hidden = !offered;
  byId("group-fault").textContent = "";
  byId("group-seats").replaceChildren(...others.map(choice));
  byId("group-text").replaceChildren(...(offered ? heard(others) : []));
  if (offered) label();
  else if (hadFocus) byId("main").focus();
  return offered !== null;
}

// The seats are seen on their keys, and heard with the verdict.
function heard(others) {
  const seats = element("span", `: ${others.map(({ seat }) => seat).join(", ")}`);
  seats.className = "unseen";
  return [`${others.length} ${offered.by.booking ? "tickets" : "more"} of this booking`, seats];
}

function element(name, textContent) {
  return Object.assign(document.createElement(name), { textContent });
}

function choice({ ticket, seat }) {
  const box = Object.assign(document.createElement("input"), { type: "checkbox", name: "ticket", value: ticket, checked: true });
  const around = document.createElement("label");
  around.append(box, element("span", seat));
  return around;
}

function chosen() {
  return new FormData(byId("group")).getAll("ticket");
}

function label() {
  const number = chosen().length;
  byId("group-key").replaceChildren(...(number > 0 ? [`Let ${number} ${offered.by.booking ? "" : "more "}in`, element("kbd", KEY)] : ["Nobody else"]));
  byId("group-key").disabled = number === 0;
}

/** Wires the keys; `show` is given what became of the group. */
export function listenToGroup(show) {
  byId("group").addEventListener("change", label);
  byId("group").addEventListener("submit", async (event) => {
    event.preventDefault();
    const asking = offered;
    const tickets = chosen();
    if (!asking || tickets.length === 0) return;
    byId("group-key").disabled = true;
    const ids = tickets.map((ticket) => asking.ids[ticket]);
    const answer = await request("POST", "/v1/groups", { body: { ...asking.by, tickets, ids }, patience: 5000 });
    // Another ticket was scanned meanwhile: its verdict stays, and the group's comes after it.
    if (answer.ok) return show(told(asking, answer.data.verdicts));
    if (answer.status >= 400 && answer.status < 500) return show(unchecked(answer.problem));
    if (asking !== offered) return;
    label();
    byId("group-fault").textContent = "No answer. Press again: nobody is let in twice.";
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== KEY || !offered || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    byId("group").requestSubmit();
  });
}

function unchecked({ title, detail }) {
  return { verdict: "unknown", code: "not_checked", guarantee: "", text: detail || title };
}

// All of them as one verdict: the worst of theirs, who is in, and for everybody else why not.
function told(asking, verdicts) {
  const inside = verdicts.filter(({ verdict }) => verdict === "admit");
  const outside = verdicts.filter(({ verdict }) => verdict !== "admit");
  const all = outside.length === 0;
  const kind = WORST.find((kind) => verdicts.some(({ verdict }) => verdict === kind));
  const seats = inside.map(({ seat }) => seat).join(", ");
  return {
    ...verdicts[0],
    verdict: kind,
    words: all ? `${inside.length} ${asking.by.booking ? "" : "more "}in` : `${inside.length} of ${verdicts.length} in`,
    seat: undefined,
    first: undefined,
    ticket: undefined,
    text: inside.length > 0 ? `${count(inside.length, "seat")} let in: ${seats}.` : "Nobody of them was let in.",
    lines: outside.map((one) => `${one.seat}: ${wordsOf(one)}${one.first ? `, ${clockHere(one.first.at)} at ${one.first.door}` : ""}`),
    entered: [...(asking.by.with ? [asking.by.with] : []), ...inside.map(({ ticket }) => ticket)],
    seats: Object.fromEntries(verdicts.map(({ ticket, seat }) => [ticket, seat])),
  };
}
