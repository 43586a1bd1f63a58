// Voids that wait for the doors, and those that came too late: told, however long it takes.

import { spaced } from "./finding.js";
import { keep, kept } from "./kept.js";
import { el, seatList } from "./words.js";

/** The notices in `place`. `ask` sends in the name of whoever is in. */
export class WaitingVoids {
  constructor(place, ask) {
    // Each sale that waited with every ticket that was asked for, and what was told of it and not put away yet.
    Object.assign(this, { place, ask, asked: new Map(kept("waiting voids") ?? []), waiting: [], ended: new Map() });
  }

  /** A void that was asked for here waits. It may have been answered before anybody asks about it: that is told too. */
  async wait({ sale, code }, tickets) {
    const before = this.asked.get(sale)?.tickets ?? [];
    this.asked.set(sale, { code, tickets: [...new Set([...before, ...tickets])] });
    this.ended.delete(sale);
    this.#keep();
    await this.refresh();
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
      const open = sale && waitingOf(sale.tickets).length > 0;
      if (open) continue;
      // What is void by now is listed as what is to be given back.
      if (sale && this.#of(sale, "admitted").length > 0) this.ended.set(id, sale);
      else this.asked.delete(id);
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

  // The tickets that were asked for and came to that.
  #of(sale, state) {
    const asked = new Set(this.asked.get(sale.sale)?.tickets);
    return sale.tickets.filter((ticket) => asked.has(ticket.ticket) && ticket.state === state);
  }

  #told(sale) {
    const [ended, used] = [this.#of(sale, "void"), this.#of(sale, "admitted")];
    const rest = ended.length > 0 ? `${labels(ended)} is void: what goes back for it is listed below.` : "Give nothing back.";
    const done = () => {
      this.ended.delete(sale.sale);
      this.asked.delete(sale.sale);
      this.#keep();
      this.#show();
    };
    const key = el("button", { class: "button slim", type: "button", onclick: done }, "Done");
    return el("div", { class: "notice bad" }, el("strong", {}, `${spaced(sale.code)} came too late`), el("span", {}, `${labels(used)} was used at the door and stays sold. ${rest}`), key);
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
