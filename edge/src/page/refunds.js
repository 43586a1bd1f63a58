// What is to be given back for voids that waited for the doors: listed at every window until somebody says that it was done.

import { freshKey } from "./api.js";
import { spaced } from "./finding.js";
import { clockHere, complain, el, money, notice, seatList } from "./words.js";

/** What is said of each way back: to what, how, and what became of it. */
const WAYS = {
  cash: { to: "", how: "It leaves your drawer when you say that it was handed over.", key: "handed over", done: "It has left your drawer." },
  card: { to: " to the card", how: "Give it back on the terminal. It stands in your shift when you say so.", key: "given back", done: "It stands in your shift." },
  upi: { to: " by UPI", how: "Send it to the phone that paid. It stands in your shift when you say so.", key: "given back", done: "It stands in your shift." },
};

/** The notices in `place`, problems at `problem`. `ask` sends in the name of whoever is in. */
export class Refunds {
  constructor(place, problem, ask) {
    Object.assign(this, { place, problem, ask, keys: new Map(), told: "", working: false });
  }

  async refresh() {
    const answer = await this.ask("GET", "/v1/refunds");
    if (answer.ok && !this.working) this.#show(answer.data.refunds);
  }

  /** Puts the keyboard on the oldest one: its key is pressed only after a look. */
  focus() {
    this.place.querySelector("button")?.focus();
  }

  #show(refunds) {
    const told = JSON.stringify(refunds);
    if (told === this.told) return;
    this.told = told;
    const sales = grouped(refunds);
    this.place.replaceChildren(...[...sales.values()].map((of, at) => this.#notice(of, at === 0)));
  }

  #notice(refunds, first) {
    const [{ code, tender, show, amount, since }] = refunds;
    const sum = money({ ...amount, minor: refunds.reduce((sum, one) => sum + one.amount.minor, 0) });
    const papers = refunds.map(({ serial }) => serial).join(", ");
    const about = [show?.movie.title, seatList(refunds.map(({ seat }) => seat)), `paper ${papers}`, `since ${clockHere(since)}`];
    const { to, how, key, done } = WAYS[tender] ?? {};
    const title = `${spaced(code)} is void: ${how ? `give back ${sum}${to}` : "nothing goes back"}`;
    const told = how ? [`${sum} given back`, done] : ["Written down", "Nothing was paid."];
    const onclick = () => this.#give(refunds, told);
    const button = el("button", { class: "button slim", type: "button", onclick }, how ? `${sum} ${key} ` : "Write it down ", first && el("kbd", {}, "Y"));
    const text = `${about.filter(Boolean).join(", ")}. ${how ?? "It was free. Somebody's shift must say that it is void."}`;
    return el("div", { class: "notice good" }, el("strong", {}, title), el("span", {}, text), button);
  }

  // Under the same key until it is answered: a lost answer is asked for again.
  async #give(refunds, told) {
    if (this.working) return;
    this.working = true;
    const tickets = refunds.map(({ ticket }) => ticket);
    const name = tickets.join();
    if (!this.keys.has(name)) this.keys.set(name, freshKey());
    const answer = await this.ask("POST", "/v1/refunds", { body: { tickets }, key: this.keys.get(name) });
    this.working = false;
    complain(this.problem, answer.problem);
    if (answer.ok) notice(this.problem, "good", ...told);
    await this.refresh();
  }
}

function grouped(refunds) {
  const sales = new Map();
  for (const one of refunds) {
    const name = `${one.sale} ${one.tender}`;
    sales.set(name, [...(sales.get(name) ?? []), one]);
  }
  return sales;
}
