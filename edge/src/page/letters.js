// Messages that could not be processed, and a key that tries each again.

import { complain, count, el } from "./words.js";

/** The list; `ask` sends in the name of who is in, `say` tells what was done. */
export class Letters {
  constructor(part, ask, say) {
    Object.assign(this, { part, ask, say, list: part.querySelector("ol"), place: part.querySelector("[role=alert]") });
  }

  async refresh() {
    const answer = await this.ask("GET", "/v1/dead-letters");
    complain(this.place, answer.problem);
    if (!answer.ok) return;
    const { dead_letters, dropped } = answer.data;
    const rows = dead_letters.map((letter) => this.#row(letter));
    if (dropped > 0) rows.unshift(el("li", { class: "empty" }, `${count(dropped, "older one")} had to make room.`));
    this.list.replaceChildren(...(rows.length > 0 ? rows : [el("li", { class: "empty" }, "There are none.")]));
  }

  #row({ n, at, why, bytes_count, replayed }) {
    const when = new Date(at).toLocaleString("en-IN", { dateStyle: "medium", timeStyle: "short" });
    const again = replayed ? ` Tried again: ${OUTCOMES[replayed.outcome] ?? replayed.outcome}.` : "";
    return el(
      "li",
      {},
      el("span", {}, el("strong", {}, `${n}. ${why}`), ` ${when}, ${count(bytes_count, "byte")}.${again}`),
      el("button", { class: "button slim", type: "button", onclick: () => this.#replay(n) }, "Try again"),
    );
  }

  async #replay(n) {
    const answer = await this.ask("POST", `/v1/dead-letters/${n}/replay`);
    complain(this.place, answer.problem);
    if (!answer.ok) return;
    this.say(`Letter ${n}: ${OUTCOMES[answer.data.outcome] ?? answer.data.outcome}`);
    await this.refresh();
    this.part.querySelector("h2").focus();
  }
}

const OUTCOMES = {
  taken: "it was processed",
  applied: "its entry is in the log",
  readable: "it can be read now, and counts when it is sent again",
};
