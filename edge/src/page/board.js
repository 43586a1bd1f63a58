// The shows of a day in order of time, the next one chosen.

import { clock, el } from "./words.js";

const LATE_MS = 20 * 60 * 1000;
const DAY = new Intl.DateTimeFormat("en-IN", { weekday: "short", day: "numeric", month: "short" });

/**
 * The board of one day. `ask` gets its shows, `onchoose(show)` hears of another choice. While a sale is `busy()` there is none, for it
 * would be broken off; and because the chosen show is over there is none before the till is `idle()`.
 */
export class Board {
  constructor(place, { ask, onchoose, busy, idle }) {
    Object.assign(this, { ask, onchoose, busy, idle, shows: [], chosen: null, day: null, asked: null, ahead: 0 });
    this.list = place.querySelector("ol");
    this.title = place.querySelector("h2");
    this.turns = [...place.querySelectorAll("[data-day]")];
    this.turns.forEach((key) => key.addEventListener("click", () => this.#turn(Number(key.dataset.day), () => this.#next())));
  }

  /** Asks for the day again; keeps the choice while it is there, else takes what `pick` says, mostly the next show. */
  async refresh(pick = () => this.#next(), turning = false) {
    const { asked } = this;
    const answer = await this.ask("GET", asked ? `/v1/shows?date=${asked}` : "/v1/shows");
    if (!answer.ok || asked !== this.asked) return;
    const { date, before, after, shows } = answer.data;
    Object.assign(this, { day: date, before, after, ahead: answer.skew });
    // The first day that has any show to come is always looked at as such, so that it gives way to the next one by itself.
    if (!before) this.asked = null;
    this.shows = [...shows].sort((a, b) => Date.parse(a.starts_at) - Date.parse(b.starts_at));
    // Nothing is chosen anew under a sale that has begun meanwhile.
    const free = this.chosen === null || (!this.busy() && (turning || this.idle()));
    if (free && !this.shows.some((show) => show.id === this.chosen)) this.#choose(pick());
    this.#draw();
  }

  /** Looks at the day and the show of before a reload. */
  resume(day, show) {
    [this.asked, this.chosen] = [day, null];
    return this.refresh(() => this.shows.find((one) => one.id === show) ?? this.#next());
  }

  /** Moves the choice by so many shows, into the next day too. */
  async step(by) {
    if (this.busy()) return;
    const to = this.shows[this.shows.findIndex((show) => show.id === this.chosen) + by];
    if (!to) return this.#turn(by, () => this.shows.at(by < 0 ? -1 : 0));
    this.#choose(to);
    this.#draw();
  }

  async #turn(by, pick) {
    const day = by < 0 ? this.before : this.after;
    if (!day || this.busy()) return;
    this.asked = day;
    await this.refresh(pick, true);
  }

  // Whoever comes now wants the show that is about to begin, not the one that has just begun.
  #next() {
    const now = this.#now();
    const toCome = this.shows.find((show) => show.state === "on_sale" && Date.parse(show.starts_at) > now);
    return toCome ?? this.shows.find((show) => this.#open(show)) ?? this.shows[0];
  }

  #choose(show) {
    if (!show) return;
    this.chosen = show.id;
    this.onchoose(show);
  }

  #draw() {
    const focused = this.list.contains(document.activeElement);
    const [year, month, date] = (this.day ?? "").split("-").map(Number);
    this.title.textContent = this.day ? DAY.format(new Date(year, month - 1, date)) : "No shows";
    for (const key of this.turns) key.disabled = !(key.dataset.day === "-1" ? this.before : this.after);
    this.list.replaceChildren(...this.shows.map((show) => this.#row(show)));
    const current = this.list.querySelector("[aria-current]");
    if (focused) current?.focus();
    current?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #row(show) {
    const current = show.id === this.chosen ? "true" : null;
    const pick = () => {
      if (this.busy()) return;
      this.#choose(show);
      this.#draw();
    };
    return el(
      "li",
      {},
      el(
        "button",
        { type: "button", class: `showing${this.#open(show) ? "" : " past"}`, "aria-current": current, onclick: pick },
        el("strong", { class: "figures" }, clock(show.starts_at)),
        el("span", { class: "showing-title" }, show.movie.title),
        el("span", { class: "quiet" }, `Screen ${show.screen}`),
        el("span", { class: "showing-left figures" }, left(show)),
      ),
    );
  }

  #open(show) {
    return show.state === "on_sale" && Date.parse(show.starts_at) > this.#now() - LATE_MS;
  }

  // By the box's clock: this device's may be wrong.
  #now() {
    return Date.now() + this.ahead;
  }
}

function left(show) {
  if (show.state === "cancelled") return "cancelled";
  if (show.state === "ended") return "over";
  return show.seats_free === undefined ? "" : show.seats_free === 0 ? "sold out" : `${show.seats_free} left`;
}
