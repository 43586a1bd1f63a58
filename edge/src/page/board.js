// Today's shows in order of time, the next one chosen.

import { clock, el } from "./words.js";

const LATE_MS = 20 * 60 * 1000;

/** The board; `onchoose(show)` is called when another show is chosen. */
export class Board {
  constructor(list, onchoose) {
    Object.assign(this, { list, onchoose, shows: [], chosen: null });
  }

  /** Shows today's list; keeps the choice while it is there, else takes the next show that can be sold. */
  update(shows) {
    this.shows = [...shows].sort((a, b) => Date.parse(a.starts_at) - Date.parse(b.starts_at));
    if (!this.shows.some((show) => show.id === this.chosen)) this.#choose(this.shows.find(open) ?? this.shows[0]);
    this.#draw();
  }

  /** Moves the choice by so many shows. */
  step(by) {
    const at = this.shows.findIndex((show) => show.id === this.chosen);
    const to = this.shows[Math.min(this.shows.length - 1, Math.max(0, at + by))];
    if (to && to.id !== this.chosen) this.#choose(to);
    this.#draw();
    this.list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  #choose(show) {
    if (!show) return;
    this.chosen = show.id;
    this.onchoose(show);
  }

  #draw() {
    const focused = this.list.contains(document.activeElement);
    this.list.replaceChildren(...this.shows.map((show) => this.#row(show)));
    if (focused) this.list.querySelector("[aria-current]")?.focus();
  }

  #row(show) {
    const current = show.id === this.chosen ? "true" : null;
    const pick = () => {
      this.#choose(show);
      this.#draw();
    };
    return el(
      "li",
      {},
      el(
        "button",
        { type: "button", class: `showing${open(show) ? "" : " past"}`, "aria-current": current, onclick: pick },
        el("strong", { class: "figures" }, clock(show.starts_at)),
        el("span", { class: "showing-title" }, show.movie.title),
        el("span", { class: "quiet" }, `Screen ${show.screen}`),
        el("span", { class: "showing-left figures" }, left(show)),
      ),
    );
  }
}

function open(show) {
  return show.state === "on_sale" && Date.parse(show.starts_at) > Date.now() - LATE_MS;
}

function left(show) {
  if (show.state === "cancelled") return "cancelled";
  if (show.state === "ended") return "over";
  return show.seats_free === undefined ? "" : show.seats_free === 0 ? "sold out" : `${show.seats_free} left`;
}
