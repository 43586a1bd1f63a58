// Voids that wait for the doors: what became of each is told, however long it takes.

import { spaced } from "./finding.js";
import { el, money, seatList } from "./words.js";

/** The notices in `place`. `ask` sends in the name of whoever is in. */
export class WaitingVoids {
  constructor(place, ask) {
    Object.assign(this, { place, ask, waiting: new Map(), ended: new Map() });
  }

  /** Asks which voids wait, and what became of those that do not any more. */
  async refresh() {
    const answer = await this.ask("GET", "/v1/sales?list=waiting");
    if (!answer.ok) return;
    const now = new Map(answer.data.sales.map((sale) => [sale.sale, sale]));
    for (const before of this.waiting.values()) {
      if (now.has(before.sale)) continue;
      const found = await this.ask("GET", `/v1/sales?code=${before.code}`);
      if (!found.ok) return;
      this.ended.set(before.sale, { before, sale: found.data.sales[0] });
    }
    this.waiting = now;
    this.#show();
  }

  #show() {
    const waiting = [...this.waiting.values()].map((sale) =>
      el("div", { class: "notice warn" }, el("strong", {}, `${spaced(sale.code)} is not void yet`), el("span", {}, `${seatsIn(sale, "void_requested")} waits for the doors. Give nothing back before they have answered.`)),
    );
    const ended = [...this.ended.values()].filter(({ sale }) => sale).map(({ before, sale }) => this.#told(before, sale));
    const text = [...waiting, ...ended];
    if (text.map((one) => one.textContent).join() !== this.place.textContent) this.place.replaceChildren(...text);
  }

  #told(before, sale) {
    const asked = new Set(before.tickets.filter((ticket) => ticket.state === "void_requested").map((ticket) => ticket.ticket));
    const of = (state) => sale.tickets.filter((ticket) => asked.has(ticket.ticket) && ticket.state === state);
    const [ended, used] = [of("void"), of("admitted")];
    const minor = sale.tender === "complimentary" ? 0 : ended.reduce((sum, ticket) => sum + ticket.price.minor, 0);
    const back = ended.length > 0 ? `Give back ${money({ ...sale.total, minor })} for ${labels(ended)}.` : "Give nothing back.";
    const inside = used.length > 0 ? ` ${labels(used)} was used at the door.` : "";
    const done = () => {
      this.ended.delete(sale.sale);
      this.place.replaceChildren();
      this.#show();
    };
    const title = ended.length > 0 ? `${spaced(sale.code)} is void` : `${spaced(sale.code)} stays sold`;
    const key = el("button", { class: "button slim", type: "button", onclick: done }, "Done");
    return el("div", { class: `notice ${used.length > 0 ? "bad" : "good"}` }, el("strong", {}, title), el("span", {}, `${back}${inside}`), key);
  }
}

function seatsIn(sale, state) {
  return labels(sale.tickets.filter((ticket) => ticket.state === state));
}

function labels(tickets) {
  return seatList(tickets.map((ticket) => ticket.seat));
}
