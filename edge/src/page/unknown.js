// Seats whose sale may have been forgotten: two persons put them on sale again, show by show.

import { clock, complain, count, el, notice } from "./words.js";

const DAY = new Intl.DateTimeFormat("en-IN", { weekday: "short", day: "numeric", month: "short" });

/** The part; `ask` sends in the manager's name, `say` tells what was done. */
export class Unknown {
  constructor(part, ask, say) {
    Object.assign(this, { part, ask, say, shows: [], form: part.querySelector("form") });
    this.place = this.form.querySelector("[role=alert]");
    this.choices = this.form.querySelector(".shows");
    this.choices.addEventListener("change", () => this.#tell());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#settle();
    });
  }

  async refresh() {
    const answer = await this.ask("GET", "/v1/unknown");
    complain(this.place, answer.problem);
    if (!answer.ok) return;
    this.shows = answer.data.shows;
    const none = this.shows.length === 0;
    this.form.hidden = none;
    this.part.querySelector(".none").hidden = !none;
    this.choices.replaceChildren(...this.shows.map((one, i) => choice(one, i === 0)));
    if (!none) this.#tell();
  }

  #chosen() {
    return this.shows.find(({ show }) => show.id === this.form.elements.show.value);
  }

  #tell() {
    const { seats } = this.#chosen();
    this.form.querySelector(".labels").textContent = `${count(seats.length, "seat")}: ${seats.join(", ")}`;
  }

  async #settle() {
    const { staff, pin, seats } = this.form.elements;
    const { show } = this.#chosen();
    const body = { second: { staff: staff.value.trim(), pin: pin.value } };
    const named = seats.value.split(/[\s,;]+/).filter(Boolean);
    if (named.length > 0) body.seats = named;
    pin.value = "";
    const answer = await this.ask("POST", `/v1/shows/${show.id}/unknown`, { body });
    if (!answer.ok) return complain(this.place, answer.problem);
    seats.value = "";
    notice(this.place);
    this.say(`${count(answer.data.settled, "seat")} of ${show.movie.title} on sale again`);
    await this.refresh();
    this.part.querySelector("h2").focus();
  }
}

function choice({ show, seats }, checked) {
  const when = `${DAY.format(new Date(show.starts_at))}, ${clock(show.starts_at)}`;
  return el(
    "label",
    {},
    el("input", { type: "radio", name: "show", value: show.id, checked }),
    el("span", {}, `${show.movie.title} · ${when} · Screen ${show.screen} · ${count(seats.length, "seat")}`),
  );
}
