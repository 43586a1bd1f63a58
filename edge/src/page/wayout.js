// Whether the doors count out who leaves a show, and let guests come back.

import { clock, complain, el } from "./words.js";

const SETTINGS = ["exit", "reentry"];

/** The part; `ask` sends in the manager's name, `say` tells what was done. */
export class WayOut {
  constructor(part, ask, say) {
    Object.assign(this, { part, ask, say, form: part.querySelector("form") });
    this.place = this.form.querySelector("[role=alert]");
    this.form.elements.date.addEventListener("change", () => this.refresh());
    this.form.elements.show.addEventListener("change", () => this.#tell());
    for (const name of SETTINGS) this.form.elements[name].addEventListener("change", () => this.#set(name));
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
    const { show } = this.form.elements;
    const asked = show.value;
    const answer = await this.ask("GET", `/v1/shows/${asked}/door`);
    complain(this.place, answer.problem);
    if (answer.ok && asked === show.value) this.#tick(answer.data);
  }

  #tick(settings) {
    for (const name of SETTINGS) this.form.elements[name].checked = settings[name];
    this.told = settings;
  }

  // Whoever may come back is counted out first.
  async #set(changed) {
    const { show, exit, reentry } = this.form.elements;
    if (changed === "exit" && !exit.checked) reentry.checked = false;
    if (changed === "reentry" && reentry.checked) exit.checked = true;
    const wanted = { exit: exit.checked, reentry: reentry.checked };
    const before = this.told;
    const answer = await this.ask("POST", `/v1/shows/${show.value}/door`, { body: wanted });
    complain(this.place, answer.problem);
    if (!answer.ok) return this.#tick(before);
    this.#tick(wanted);
    if (wanted.reentry) this.say("Guests may go out and come back");
    else this.say(wanted.exit ? "Whoever goes out is counted out and stays out" : "Nobody is counted out");
  }
}

function option(show, selected) {
  return el("option", { value: show.id, selected }, `${clock(show.starts_at)} · ${show.movie.title} · Screen ${show.screen}`);
}
