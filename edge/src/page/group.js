// A whole group at once: how many, whose, and who allows it. The best rows are chosen by the box.

import { approval, approvedBy } from "./approval.js";
import { freshKey } from "./api.js";
import { Sale } from "./sale.js";
import { el } from "./words.js";

const MOST = 60;

/** The panel. `kind` is the category that is chosen, or nothing; `act` has `hold(event)`, `back` and the cashier's `role`. */
export function groupPanel(kind, act) {
  const field = (word, input) => el("label", { class: "field" }, el("span", {}, word), input);
  const people = el("input", { class: "input figures", id: "people", name: "best", type: "number", inputmode: "numeric", min: 1, max: MOST, required: true, autocomplete: "off" });
  const name = el("input", { class: "input", name: "group", maxlength: 60, required: true, autocomplete: "off" });
  return el(
    "form",
    { class: "stack", onsubmit: act.hold },
    el("p", { class: "quiet" }, `Up to ${MOST} seats, ${kind ? `all ${kind}, ` : ""}in one row or in rows behind each other. All of them or none.`),
    el("div", { class: "pair" }, field("How many", people), field("Whose group", name)),
    ...approval(act.role),
    el("button", { class: "button main wide", type: "submit" }, "Hold the seats ", el("kbd", {}, "Enter")),
    el("button", { class: "link", type: "button", onclick: act.back }, "Back ", el("kbd", {}, "Esc")),
  );
}

/** What was asked for without an answer: asked again in the same words it is the same hold. */
export class Asking {
  /** The sale that begins with a group's hold, as the form says. */
  sale(show, category, form, ask) {
    const said = Object.fromEntries(new FormData(form));
    const wish = { best: Number(said.best), group: said.group.trim(), ...(category ? { category } : {}) };
    const words = JSON.stringify([show, wish]);
    const again = words === this.words;
    if (!again) Object.assign(this, { words, key: freshKey() });
    return Object.assign(new Sale(show, [], ask), { holdKey: this.key, again, wish: { ...wish, ...approvedBy(said) } });
  }
}
