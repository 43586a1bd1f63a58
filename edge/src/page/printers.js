// The printers that this box was started with, and what each has paper for.

import { complain, el } from "./words.js";

const PAPERS = { tickets: "tickets", receipt: "receipts", group: "papers of groups" };

/** The part; `ask` sends in the name of whoever is in. */
export class Printers {
  constructor(part, ask) {
    Object.assign(this, { part, ask });
  }

  async refresh() {
    const answer = await this.ask("GET", "/v1/printers");
    complain(this.part.querySelector("[role=alert]"), answer.problem);
    if (!answer.ok) return;
    const rows = answer.data.printers.map(({ name, documents }) =>
      el("li", {}, el("span", {}, el("strong", {}, name), ` ${documents.map((one) => PAPERS[one]).join(", ")}`)),
    );
    const none = el("li", { class: "empty" }, "None: papers come out as PDF.");
    this.part.querySelector("ol").replaceChildren(...(rows.length > 0 ? rows : [none]));
  }
}
