// The devices of the house, and which of them is the box's witness.

import { complain, count, el } from "./words.js";

/** The part; `ask` sends in the manager's name, `say` tells what was done. */
export class Witness {
  constructor(part, ask, say) {
    Object.assign(this, { part, ask, say, list: part.querySelector("ol"), place: part.querySelector("[role=alert]") });
    this.waits = part.querySelector(".key-waits");
    this.waits.querySelector("button").addEventListener("click", () => this.#do("POST", "/v1/signing", {}, "The new key signs tickets now"));
  }

  async refresh() {
    const answer = await this.ask("GET", "/v1/devices");
    complain(this.place, answer.problem);
    if (!answer.ok) return;
    this.waits.hidden = !answer.data.key_waits;
    const rows = answer.data.devices.map((device) => this.#row(device));
    const none = el("li", { class: "empty" }, "No door device is paired yet. Until one is, only central remembers this box.");
    this.list.replaceChildren(...(rows.length > 0 ? rows : [none]));
  }

  #row(device) {
    const { name, kind, witness, paired, off_by } = device;
    const can = kind === "scanner" && paired && !off_by && !witness;
    const onclick = () => this.#do("POST", `/v1/devices/${device.device}/witness`, {}, `${name} is the witness`);
    const word = off_by ? "on" : "off";
    const declare = () => this.#do("POST", `/v1/devices/${device.device}`, { body: { off: !off_by } }, `${name} is declared ${word}`);
    return el(
      "li",
      {},
      el("span", {}, el("strong", {}, name), ` ${facts(device)}`),
      witness && el("span", { class: "badge" }, "Witness"),
      can && el("button", { class: "button slim", type: "button", onclick, "aria-label": `Name ${name} the witness` }, "Name it"),
      paired && el("button", { class: "button slim", type: "button", onclick: declare, "aria-label": `Declare ${name} ${word}` }, `Declare ${word}`),
    );
  }

  async #do(method, url, options, done) {
    const answer = await this.ask(method, url, options);
    complain(this.place, answer.problem);
    if (!answer.ok) return;
    this.say(done);
    await this.refresh();
    this.part.querySelector("h2").focus();
  }
}

function facts({ kind, paired, off_by, behind }) {
  if (off_by) return `${kind}, declared off by ${off_by}`;
  if (!paired) return `${kind}, not paired yet`;
  return behind > 0 ? `${kind}, ${count(behind, "row")} behind` : `${kind}, up to date`;
}
