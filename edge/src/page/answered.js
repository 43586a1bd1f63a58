// What was done on a day that somebody answers for, and who did it with whose PIN.

import { clock, complain, el } from "./words.js";

const WORDS = {
  void: "Void",
  void_asked: "Void asked for",
  void_too_late: "Void came too late",
  duplicate: "Duplicate",
  given_away: "Given away",
  group: "Group",
  payment_missing: "Payment missing",
  payment_unsold: "Payment for which nothing was sold",
  refunded: "Given back",
  withheld: "Kept back",
  given_back: "Given back to sale",
  let_in: "Let in",
  opened: "Box opened",
  settled_unknown: "Unknown seats settled",
  named_witness: "Witness named",
  found_ticket: "Ticket found",
  staff: "Role and PIN given",
};

/** The part; `ask` sends in the name of whoever is in. */
export class Answered {
  constructor(part, ask) {
    Object.assign(this, { part, ask, date: part.querySelector("[name=date]") });
    this.date.addEventListener("change", () => this.refresh());
    part.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  }

  async refresh() {
    const asked = this.date.value;
    const answer = await this.ask("GET", asked ? `/v1/answered-for?date=${asked}` : "/v1/answered-for");
    complain(this.part.querySelector("[role=alert]"), answer.problem);
    if (!answer.ok || asked !== this.date.value) return;
    const { date, answered } = answer.data;
    this.date.value = date;
    const none = el("li", { class: "empty" }, "Nothing on this day.");
    this.part.querySelector("ol").replaceChildren(...(answered.length > 0 ? answered.map(row) : [none]));
  }
}

function row({ at, what, staff, second, about, reason }) {
  const who = second ? `${staff}, allowed by ${second}` : staff;
  const why = reason ? `: ${reason}` : "";
  return el("li", {}, el("span", {}, el("strong", {}, `${clock(at)} ${WORDS[what] ?? what}`), ` ${about}${why}. ${who}.`));
}
