// The shows of a day in order of time, the next one chosen.

import { clock, el } from "./words.js";

const LATE_MS = 20 * 60 * 1000;
const DAY = new Intl.DateTimeFormat("en-IN", { weekday: "short", day: "numeric", month: "short" });

/** The board of one day; `onchoose(show)` is called when another show is chosen. */
export class Board {
  constructor(place, onchoose) {
    Object.assign(this, { onchoose, shows: [], chosen: null, day: null });
    this.list = place.querySelector("ol");
    this.title = place.querySelector("h2");
    place.querySelectorAll("[data-day]").forEach((key) => key.addEventListener("click", () => this.#turn(Number(key.dataset.day))));
  }

  /** Shows the list; keeps the choice while it is there, else takes the next show that can be sold. */
  update(shows) {
    this.shows = [...shows].sort((a, b) => Date.parse(a.starts_at) - Date.parse(b.starts_at));
    if (!this.shows.some((show) => show.id === this.chosen)) this.#choose(this.shows.find(open) ?? this.shows[0]);
    this.#draw();
  }

  /** Moves the choice by so many shows, into the next day too. */
  step(by) {
    const at = this.shows.findIndex((show) => show.id === this.chosen);
    const to = this.shows[Math.min(this.shows.length - 1, Math.max(0, at + by))];
    if (to && to.id !== this.chosen) this.#choose(to);
    this.#draw();
  }

  #turn(by) {
    const days = [...new Set(this.shows.map(dayOf))];
    this.day = days[Math.min(days.length - 1, Math.max(0, days.indexOf(this.day) + by))];
    this.#draw();
  }

  #choose(show) {
    if (!show) return;
    this.chosen = show.id;
    this.day = dayOf(show);
    this.onchoose(show);
  }

  #draw() {
    const focused = this.list.contains(document.activeElement);
    const [year, month, date] = (this.day ?? "").split("-").map(Number);
    this.title.textContent = this.day ? DAY.format(new Date(year, month - 1, date)) : "No shows";
    this.list.replaceChildren(...this.shows.filter((show) => dayOf(show) === this.day).map((show) => this.#row(show)));
    const current = this.list.querySelector("[aria-current]");
    if (focused) current?.focus();
    current?.scrollIntoView({ block: "nearest", inline: "nearest" });
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

// The day on the theatre's own calendar, as the text says it.
function dayOf(show) {
  return show.starts_at.slice(0, 10);
}

function open(show) {
  return show.state === "on_sale" && Date.parse(show.starts_at) > Date.now() - LATE_MS;
}

function left(show) {
  if (show.state === "cancelled") return "cancelled";
  if (show.state === "ended") return "over";
  return show.seats_free === undefined ? "" : show.seats_free === 0 ? "sold out" : `${show.seats_free} left`;
}
