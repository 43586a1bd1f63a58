// The day as a manager looks at it: each show with what it sold and let in, what was taken, and what is still open.

import { TENDERS } from "./sold.js";
import { clock, complain, count, el, money } from "./words.js";

const STATES = { cancelled: " (cancelled)", ended: " (over)", on_sale: "" };

/** The part; `ask(method, url)` sends in the supervisor's name. */
export class Day {
  constructor(part, { ask }) {
    Object.assign(this, { part, ask, date: part.querySelector("[name=date]") });
    this.date.addEventListener("change", () => this.show());
    part.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  }

  async show() {
    const asked = this.date.value;
    const answer = await this.ask("GET", asked ? `/v1/day?date=${asked}` : "/v1/day");
    complain(this.part.querySelector("[role=alert]"), answer.problem);
    if (!answer.ok || asked !== this.date.value) return;
    const { date, shows, tenders, web, link, to_settle, to_verify } = answer.data;
    this.part.hidden = false;
    this.date.value = date;
    this.part.querySelector(".wide-table").hidden = shows.length === 0;
    this.part.querySelector(".none").hidden = shows.length > 0;
    this.part.querySelector("tbody").replaceChildren(...shows.map(row));
    this.part.querySelector("tfoot").replaceChildren(...(shows.length > 1 ? [totals(shows)] : []));
    const open = [
      link.backlog > 0 && `${link.backlog} entries wait for the line`,
      to_settle > 0 && `${to_settle} to settle`,
      to_verify > 0 && `${count(to_verify, "payment")} to verify`,
    ].filter(Boolean);
    this.part.querySelector(".facts").textContent = open.length > 0 ? `Still open: ${open.join(", ")}.` : "Nothing is open.";
    const taken = tenders.map(({ tender, sales, net }) => [TENDERS[tender], `${count(sales, "sale")}: ${money(net)}`]);
    if (web.sold + web.void > 0) taken.push(["Online", onTheWeb(web)]);
    this.part
      .querySelector("dl")
      .replaceChildren(...taken.map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, text))));
  }
}

function onTheWeb({ sold, void: ended, net }) {
  const back = ended > 0 ? `, ${ended} taken back` : "";
  return `${count(sold, "ticket")}${back}: ${money(net)}`;
}

function row({ show, currency, counter, web, given_away, void: ended, admitted, withheld, unknown }) {
  const notes = [
    given_away > 0 && `${given_away} free`,
    ended > 0 && `${ended} void`,
    withheld > 0 && `${withheld} kept back`,
    unknown > 0 && `${unknown} unknown`,
  ].filter(Boolean);
  return el(
    "tr",
    {},
    el(
      "th",
      { scope: "row" },
      `${clock(show.starts_at)} ${show.movie.title}${STATES[show.state]}`,
      el("small", {}, [`Screen ${show.screen}`, ...notes].join(", ")),
    ),
    ...[counter.tickets, web.tickets, show.seats_count, admitted].map((number) => figure(String(number))),
    figure(money({ minor: counter.minor + web.minor, currency })),
  );
}

function totals(shows) {
  const sum = (of) => shows.reduce((total, one) => total + of(one), 0);
  const numbers = [(one) => one.counter.tickets, (one) => one.web.tickets, (one) => one.show.seats_count, (one) => one.admitted];
  const minor = sum((one) => one.counter.minor + one.web.minor);
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, "All"),
    ...numbers.map((of) => figure(String(sum(of)))),
    figure(money({ minor, currency: shows[0].currency })),
  );
}

function figure(text) {
  return el("td", { class: "figures" }, text);
}
