// Sales that only this box knows of, until the line or the witness is back.

import { spaced } from "./finding.js";
import { clock, complain, el, money, seatList } from "./words.js";

/** The part; `ask` sends in the name of whoever is in. */
export class Unwitnessed {
  constructor(part, ask) {
    Object.assign(this, { part, ask, told: null });
  }

  /** The box says how many entries nobody else keeps: the list is asked for again when that changes. */
  update({ unwitnessed }) {
    if (this.told !== null && this.told !== (unwitnessed ?? 0)) this.refresh();
  }

  async refresh() {
    const answer = await this.ask("GET", "/v1/unwitnessed");
    complain(this.part.querySelector("[role=alert]"), answer.problem);
    if (!answer.ok) return;
    const { entries, sales } = answer.data;
    this.told = entries;
    const none = el("li", { class: "empty" }, entries > 0 ? "No sale; what else was written since waits with them." : "None: whatever was sold is kept elsewhere too.");
    this.part.querySelector("ol").replaceChildren(...(sales.length > 0 ? sales.map(row) : [none]));
  }
}

function row({ code, seats, total, staff, sold_at }) {
  return el("li", {}, el("span", {}, el("strong", {}, `${clock(sold_at)} ${spaced(code)}`), ` ${seatList(seats)}. ${money(total)}, ${staff || "nobody known"}.`));
}
