// Voids that wait for the doors: what became of each is told, however long it takes.

import { spaced } from "./finding.js";
import { keep, kept } from "./kept.js";
import { priceBack } from "./sold.js";
import { el, money, seatList } from "./words.js";

/** The notices in `place`. `ask` sends in the name of whoever is in. */
export class WaitingVoids {
  constructor(place, ask) {
    // Each sale that waited with every ticket that was asked for, and what was told of it and not put away yet.
    Object.assign(this, { place, ask, asked: new Map(kept("waiting voids") ?? []), waiting: [], ended: new Map() });
  }

  /** Asks which voids wait, and what became of those that do not any more. */
  async refresh() {
    const answer = await this.ask("GET", "/v1/sales?list=waiting");
    if (!answer.ok) return;
    this.waiting = answer.data.sales;
    for (const { sale, code, tickets } of this.waiting) {
      const before = this.asked.get(sale)?.tickets ?? [];
      this.asked.set(sale, { code, tickets: [...new Set([...before, ...waitingOf(tickets)])] });
    }
    const listed = new Set(this.waiting.map(({ sale }) => sale));
    for (const [id, { code }] of this.asked) {
      if (listed.has(id) || this.ended.has(id)) continue;
      const found = await this.ask("GET", `/v1/sales?code=${code}`);
      if (!found.ok) break;
      const sale = found.data.sales[0];
      if (!sale) this.asked.delete(id);
      else if (waitingOf(sale.tickets).length === 0) this.ended.set(id, sale);
    }
    this.#keep();
    this.#show();
  }

  #keep() {
    keep("waiting voids", this.asked.size > 0 ? [...this.asked] : null);
  }

  #show() {
    const waiting = this.waiting.map((sale) =>
      el("div", { class: "notice warn" }, el("strong", {}, `${spaced(sale.code)} is not void yet`), el("span", {}, `${seatsIn(sale, "void_requested")} waits for the doors. Give nothing back before they have answered.`)),
    );
    const text = [...waiting, ...[...this.ended.values()].map((sale) => this.#told(sale))];
    if (text.map((one) => one.textContent).join("") !== this.place.textContent) this.place.replaceChildren(...text);
  }

  #told(sale) {
    const asked = new Set(this.asked.get(sale.sale)?.tickets);
    const of = (state) => sale.tickets.filter((ticket) => asked.has(ticket.ticket) && ticket.state === state);
    const [ended, used] = [of("void"), of("admitted")];
    // Cash is listed by itself at every window, until it is handed over.
    const listed = ["cash", "recovered"].includes(sale.tender);
    const price = () => money({ ...sale.total, minor: priceBack(sale, ended) });
    const gone = listed ? "Cash to give back is listed below until it is handed over." : `Give back ${price()} for ${labels(ended)}.`;
    const back = ended.length > 0 ? gone : "Give nothing back.";
    const inside = used.length > 0 ? ` ${labels(used)} was used at the door.` : "";
    const done = () => {
      this.ended.delete(sale.sale);
      this.asked.delete(sale.sale);
      this.#keep();
      this.#show();
    };
    const title = ended.length > 0 ? `${spaced(sale.code)} is void` : `${spaced(sale.code)} stays sold`;
    const key = el("button", { class: "button slim", type: "button", onclick: done }, "Done");
    return el("div", { class: `notice ${used.length > 0 ? "bad" : "good"}` }, el("strong", {}, title), el("span", {}, `${back}${inside}`), key);
  }
}

function waitingOf(tickets) {
  return tickets.filter(({ state }) => state === "void_requested").map(({ ticket }) => ticket);
}

function seatsIn(sale, state) {
  return labels(sale.tickets.filter((ticket) => ticket.state === state));
}

function labels(tickets) {
  return seatList(tickets.map((ticket) => ticket.seat));
}
