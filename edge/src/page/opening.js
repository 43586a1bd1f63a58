// Whether the box may sell, why not, and two persons who open it.

import { persons } from "./closed.js";
import { complain, el, notice } from "./words.js";

const OPEN = { why: ["The box is open.", "It may sell."], may: false };

/** The part; `update(status)` with each answer of the box, `onopen()` once two persons have opened it. */
export class Opening {
  constructor(part, ask, onopen) {
    Object.assign(this, { part, ask, onopen, form: part.querySelector("form") });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#open();
    });
  }

  update(status) {
    const { why, may } = status.can_sell ? OPEN : persons(status);
    const [title, ...rest] = why;
    const text = rest.filter(Boolean).join(" ");
    const place = this.part.querySelector(".why");
    if (place.textContent !== `${title} ${text}`) place.replaceChildren(el("strong", {}, title), ` ${text}`);
    this.form.hidden = !may;
  }

  async #open() {
    const place = this.form.querySelector("[role=alert]");
    const second = { staff: this.form.elements.staff.value.trim(), pin: this.form.elements.pin.value };
    this.form.elements.pin.value = "";
    const opened = await this.ask("POST", "/v1/open", { body: { by: "two_persons", second } });
    if (!opened.ok) return complain(place, opened.problem);
    notice(place);
    this.form.hidden = true;
    this.onopen();
    this.part.querySelector("h2").focus();
  }
}
