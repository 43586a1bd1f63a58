// Whether guests of a show may go out and come back.

import { clock, complain, el } from "./words.js";

/** The part; `ask` sends in the manager's name, `say` tells what was done. */
export class Reentry {
  constructor(part, ask, say) {
    Object.assign(this, { part, ask, say, form: part.querySelector("form") });
    this.place = this.form.querySelector("[role=alert]");
    this.form.elements.date.addEventListener("change", () => this.refresh());
    this.form.elements.show.addEventListener("change", () => this.#tell());
    this.form.elements.reentry.addEventListener("change", () => this.#set());
    this.form.addEventListener("submit", (event) => event.preventDefault());
  }

  async refresh() {
    const { date, show } = this.form.elements;
    const answer = await this.ask("GET", date.value ? `/v1/shows?date=${date.value}` : "/v1/shows");
    complain(this.place, answer.problem);
    if (!answer.ok) return;
    const { shows } = answer.data;
    if (!date.value && shows.length > 0) date.value = shows[0].starts_at.slice(0, 10);
    const chosen = show.value;
    show.replaceChildren(...shows.map((one) => option(one, one.id === chosen)));
    this.form.hidden = false;
    this.form.querySelector(".of-show").hidden = shows.length === 0;
    this.part.querySelector(".none").hidden = shows.length > 0;
    if (shows.length > 0) await this.#tell();
  }

  async #tell() {
    const { show, reentry } = this.form.elements;
    const asked = show.value;
    const answer = await this.ask("GET", `/v1/shows/${asked}/door`);
    complain(this.place, answer.problem);
    if (answer.ok && asked === show.value) reentry.checked = answer.data.reentry;
  }

  async #set() {
    const { show, reentry } = this.form.elements;
    const wanted = reentry.checked;
    const answer = await this.ask("POST", `/v1/shows/${show.value}/door`, { body: { reentry: wanted } });
    complain(this.place, answer.problem);
    if (!answer.ok) return (reentry.checked = !wanted);
    this.say(wanted ? "Guests may go out and come back" : "Whoever goes out stays out");
  }
}

function option(show, selected) {
  return el("option", { value: show.id, selected }, `${clock(show.starts_at)} · ${show.movie.title} · Screen ${show.screen}`);
}
