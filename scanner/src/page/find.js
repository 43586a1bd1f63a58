// Looking a seat or a booking up for a guest whose code cannot be read.

import { request } from "./api.js";
import { clockHere, el } from "./words.js";

const byId = (id) => document.getElementById(id);
const STATES = { live: "good", void: "cancelled", void_requested: "cancelled" };

/** Wires the search. */
export function listenToSearch() {
  byId("find-key").addEventListener("click", () => byId("find").showModal());
  byId("find-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const seat = new FormData(event.target).get("seat").trim();
    const answer = await request("GET", `/v1/tickets?seat=${encodeURIComponent(seat)}`, { patience: 4000 });
    byId("found").replaceChildren(...(answer.ok ? rows(answer.data.tickets, seat) : [el("li", {}, answer.problem?.detail ?? "No answer.")]));
  });
}

function rows(tickets, seat) {
  const isBooking = tickets.length > 1 && tickets.every(({ booking }) => booking && booking === tickets[0].booking);
  const inside = tickets.filter(({ admitted }) => admitted).length;
  const party = isBooking ? [el("li", {}, `Booking ${tickets[0].booking}: ${inside} of ${tickets.length} in.`)] : [];
  if (tickets.length === 0) return [el("li", {}, `No ticket for ${seat.toUpperCase()} is known here. It may be a good one all the same: scan it.`)];
  return party.concat(tickets.map(({ seat, screen, show, starts_at, state, admitted, booking, ticket }) => {
    const place = [screen && `Screen ${screen}`, show, starts_at && clockHere(starts_at)].filter(Boolean).join(" · ");
    const inside = admitted ? `in since ${clockHere(admitted.at)}, ${admitted.door}` : "not in";
    return el("li", {}, `${seat}: ${STATES[state] ?? state}, ${inside}. ${place} (${booking ?? ticket})`);
  }));
}
