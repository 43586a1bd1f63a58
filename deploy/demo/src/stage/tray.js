// The guest's hand: tickets that somebody got in a pane, one of them in hand to be held to a door.

import { onTickets } from "./pane.js";
import { el } from "./words.js";

const TICKETS_MAX = 12;
const tray = document.getElementById("tray");
let tickets = [];
let hand = null;
let changed = () => {};

/** Collects tickets; `onchange(inHand)` is called when another ticket is taken in hand. */
export function collect(onchange) {
  changed = onchange;
  onTickets((shown) => {
    const fresh = shown.filter((ticket) => !tickets.some((known) => known.code === ticket.code));
    if (fresh.length === 0) return;
    tickets = [...fresh, ...tickets].slice(0, TICKETS_MAX);
    take(fresh[0]);
  });
}

/** The ticket in hand, if any. */
export function inHand() {
  return hand;
}

function take(ticket) {
  hand = ticket;
  draw();
  changed(hand);
}

// One letter of the signature changed: as near as a forger without the key can come.
function forge() {
  if (!hand) return;
  const at = hand.code.length - 20;
  const letter = hand.code[at] === "A" ? "B" : "A";
  const forged = { ...hand, code: hand.code.slice(0, at) + letter + hand.code.slice(at + 1), forged: true };
  tickets = [forged, ...tickets].slice(0, TICKETS_MAX);
  take(forged);
}

function draw() {
  const chips = tickets.map((ticket) => {
    const { seat, title, forged } = ticket;
    const pressed = String(ticket === hand);
    const onclick = () => take(ticket);
    const attributes = { type: "button", class: forged ? "chip forged" : "chip", "aria-pressed": pressed, title, onclick };
    return el("button", attributes, el("strong", {}, seat), el("span", {}, forged ? "forged" : title));
  });
  const copy = el("button", { type: "button", class: "forge", disabled: hand.forged, onclick: forge }, "Forge a copy");
  tray.replaceChildren(el("div", { class: "chips", role: "group", "aria-label": "Tickets" }, ...chips), copy);
}
