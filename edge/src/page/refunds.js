// Cash to give back for voids that waited for the doors: listed at every window until somebody says that it was handed over.

import { freshKey } from "./api.js";
import { spaced } from "./finding.js";
import { clockHere, complain, el, money, notice, seatList } from "./words.js";

/** The notices in `place`, problems at `problem`. `ask` sends in the name of whoever is in. */
export class Refunds {
  constructor(place, problem, ask) {
    Object.assign(this, { place, problem, ask, keys: new Map(), told: "", working: false });
  }

  async refresh() {
    const answer = await this.ask("GET", "/v1/refunds");
    if (answer.ok && !this.working) this.#show(answer.data.refunds);
  }

  #show(refunds) {
    const told = JSON.stringify(refunds);
    if (told === this.told) return;
    this.told = told;
    const sales = grouped(refunds);
    this.place.replaceChildren(...[...sales.values()].map((of) => this.#notice(of)));
  }

  #notice(refunds) {
    const [{ code, show, amount, since }] = refunds;
    const sum = money({ ...amount, minor: refunds.reduce((sum, one) => sum + one.amount.minor, 0) });
    const papers = refunds.map(({ serial }) => serial).join(", ");
    const about = [show?.movie.title, seatList(refunds.map(({ seat }) => seat)), `paper ${papers}`, `since ${clockHere(since)}`];
    const key = el("button", { class: "button slim", type: "button", onclick: () => this.#give(refunds, sum) }, `${sum} handed over`);
    const text = `${about.filter(Boolean).join(", ")}. It leaves your drawer when you say that it was handed over.`;
    return el("div", { class: "notice good" }, el("strong", {}, `Give back ${sum} for ${spaced(code)}`), el("span", {}, text), key);
  }

  // Under the same key until it is answered: a lost answer is asked for again.
  async #give(refunds, sum) {
    if (this.working) return;
    this.working = true;
    const tickets = refunds.map(({ ticket }) => ticket);
    const name = tickets.join();
    if (!this.keys.has(name)) this.keys.set(name, freshKey());
    const answer = await this.ask("POST", "/v1/refunds", { body: { tickets }, key: this.keys.get(name) });
    this.working = false;
    complain(this.problem, answer.problem);
    if (answer.ok) notice(this.problem, "good", `${sum} given back`, "It has left your drawer.");
    await this.refresh();
  }
}

function grouped(refunds) {
  const sales = new Map();
  for (const one of refunds) sales.set(one.sale, [...(sales.get(one.sale) ?? []), one]);
  return sales;
}
