// The devices of the house, and which of them is the box's witness.

import { complain, count, el } from "./words.js";

/** The part; `ask` sends in the manager's name, `say` tells what was done. */
export class Witness {
  constructor(part, ask, say) {
    Object.assign(this, { part, ask, say, list: part.querySelector("ol"), place: part.querySelector("[role=alert]") });
  }

  async refresh() {
    const answer = await this.ask("GET", "/v1/devices");
    complain(this.place, answer.problem);
    if (!answer.ok) return;
    const rows = answer.data.devices.map((device) => this.#row(device));
    const none = el("li", { class: "empty" }, "No door device is paired yet. Until one is, only central remembers this box.");
    this.list.replaceChildren(...(rows.length > 0 ? rows : [none]));
  }

  #row(device) {
    const { name, kind, witness, paired, off_by } = device;
    const can = kind === "scanner" && paired && !off_by && !witness;
    const onclick = () => this.#name(device);
    return el(
      "li",
      {},
      el("span", {}, el("strong", {}, name), ` ${facts(device)}`),
      witness && el("span", { class: "badge" }, "Witness"),
      can && el("button", { class: "button slim", type: "button", onclick, "aria-label": `Name ${name} the witness` }, "Name it"),
    );
  }

  async #name({ device, name }) {
    const answer = await this.ask("POST", `/v1/devices/${device}/witness`);
    complain(this.place, answer.problem);
    if (!answer.ok) return;
    this.say(`${name} is the witness`);
    await this.refresh();
    this.part.querySelector("h2").focus();
  }
}

function facts({ kind, paired, off_by, behind }) {
  if (off_by) return `${kind}, declared off by ${off_by}`;
  if (!paired) return `${kind}, not paired yet`;
  return behind > 0 ? `${kind}, ${count(behind, "row")} behind` : `${kind}, up to date`;
}
