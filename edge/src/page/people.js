// The people of the house, and a new PIN for one of them.

import { complain, el } from "./words.js";

/** The part; `ask` sends in the manager's name, `say` tells what was done. */
export class People {
  constructor(part, ask, say) {
    Object.assign(this, { part, ask, say, form: part.querySelector("form") });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add();
    });
  }

  async refresh() {
    const answer = await this.ask("GET", "/v1/staff");
    complain(this.part.querySelector("[role=alert]"), answer.problem);
    if (answer.ok) this.part.querySelector("ol").replaceChildren(...answer.data.staff.map(row));
  }

  async #add() {
    const { name, role, pin } = this.form.elements;
    const body = { name: name.value.trim(), role: role.value, pin: pin.value };
    const answer = await this.ask("POST", "/v1/staff", { body });
    complain(this.form.querySelector("[role=alert]"), answer.problem);
    if (!answer.ok) return pin.focus();
    this.form.reset();
    this.say(`${body.name} is ${body.role}`);
    await this.refresh();
    this.part.querySelector("h2").focus();
  }
}

function row({ name, role, locked_until }) {
  const locked = locked_until ? `, locked until ${new Date(locked_until).toLocaleTimeString("en-IN", { timeStyle: "medium" })}` : "";
  return el("li", {}, el("span", {}, el("strong", {}, name), ` ${role}${locked}`));
}
