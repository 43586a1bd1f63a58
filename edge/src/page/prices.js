// What the seats of a day's shows cost, since when, and what they cost before. Nothing is changed here.

import { clock, complain, el, money } from "./words.js";

/** The part; `ask` sends in the supervisor's name. */
export class Prices {
  constructor(part, ask) {
    Object.assign(this, { part, ask, date: part.querySelector("[name=date]") });
    this.date.addEventListener("change", () => this.refresh());
    part.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  }

  async refresh() {
    const asked = this.date.value;
    const answer = await this.ask("GET", asked ? `/v1/prices?date=${asked}` : "/v1/prices");
    complain(this.part.querySelector("[role=alert]"), answer.problem);
    if (!answer.ok || asked !== this.date.value) return;
    const { date, shows } = answer.data;
    this.date.value = date;
    this.part.querySelector(".wide-table").hidden = shows.length === 0;
    this.part.querySelector(".none").hidden = shows.length > 0;
    this.part.querySelector("tbody").replaceChildren(...shows.flatMap(rows));
  }
}

// A show's name stands beside all of its categories.
function rows({ show, categories }) {
  const name = el("th", { scope: "rowgroup", rowspan: categories.length }, `${clock(show.starts_at)} ${show.movie.title}`, el("small", {}, `Screen ${show.screen}`));
  return categories.map(({ category, price, since, before }, at) => {
    const told = before.map((one) => `${money(one.price)} since ${moment(one.since)}`).join(", ");
    const cells = [category, money(price), since ? moment(since) : "not known", told || "the first price"];
    return el("tr", {}, at === 0 && name, ...cells.map((text, nth) => el("td", { class: nth === 1 && "figures" }, text)));
  });
}

// In the zone the text is written in, which is the theatre's.
function moment(rfc3339) {
  const [year, month, day] = rfc3339.slice(0, 10).split("-").map(Number);
  const date = new Date(year, month - 1, day).toLocaleDateString("en-IN", { day: "numeric", month: "short" });
  return `${date}, ${clock(rfc3339)}`;
}
