// House seats: kept back from sale, and given back to it, show by show.

import { clock, complain, count, el, notice } from "./words.js";


/** The part; `ask` sends in the supervisor's name, `say` tells what was done. */
export class Withheld {
  constructor(part, ask, say) {
    Object.assign(this, { part, ask, say, form: part.querySelector("form") });
    this.place = this.form.querySelector("[role=alert]");
    this.form.elements.show.addEventListener("change", () => this.#tell());
    this.form.elements.date.addEventListener("change", () => this.refresh());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#set(event.submitter.value === "withhold");
    });
  }

  async refresh() {
    const { date } = this.form.elements;
    const answer = await this.ask("GET", date.value ? `/v1/shows?date=${date.value}` : "/v1/shows");
    complain(this.place, answer.problem);
    if (!answer.ok) return;
    const coming = answer.data.shows.filter((show) => show.state === "on_sale");
    if (!date.value && coming.length > 0) date.value = coming[0].starts_at.slice(0, 10);
    const chosen = this.form.elements.show.value;
    this.form.elements.show.replaceChildren(...coming.map((show) => option(show, show.id === chosen)));
    this.form.hidden = false;
    this.form.querySelector(".of-show").hidden = coming.length === 0;
    this.part.querySelector(".none").hidden = coming.length > 0;
    if (coming.length > 0) await this.#tell();
  }

  async #tell() {
    const show = this.form.elements.show.value;
    const answer = await this.ask("GET", `/v1/shows/${show}/seats`);
    complain(this.place, answer.problem);
    if (!answer.ok || show !== this.form.elements.show.value) return;
    const seats = answer.data.rows.flatMap((row) => row.seats);
    this.#list(seats.filter((seat) => seat.state === "withheld").map((seat) => seat.label));
  }

  #list(labels) {
    const text = labels.length === 0 ? "No seat is kept back." : `Kept back: ${count(labels.length, "seat")}: ${labels.join(", ")}`;
    this.form.querySelector(".labels").textContent = text;
  }

  async #set(withheld) {
    const { show, seats } = this.form.elements;
    const named = seats.value.toUpperCase().split(/[\s,;]+/).filter(Boolean);
    if (named.length === 0) return notice(this.place, "warn", "Which seats?", "Write their labels, such as A1, A2.");
    const answer = await this.ask("POST", `/v1/shows/${show.value}/withheld`, { body: { seats: named, withheld } });
    complain(this.place, answer.problem);
    if (!answer.ok) return;
    seats.value = "";
    this.#list(answer.data.withheld);
    this.say(`${count(named.length, "seat")} ${withheld ? "kept back" : "on sale again"}`);
    seats.focus();
  }
}

function option(show, selected) {
  return el("option", { value: show.id, selected }, `${clock(show.starts_at)} · ${show.movie.title} · Screen ${show.screen}`);
}
