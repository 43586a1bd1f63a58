// Card and UPI payments that nobody has compared with the bank's list yet.

import { complain, count, el, money, notice } from "./words.js";

const WORDS = { card: "Card", upi: "UPI" };

/** The list in `part`; `ask(method, url, options)` sends a request, `say(text)` tells what was done. */
export class Slips {
  constructor(part, { ask, say }) {
    Object.assign(this, { part, ask, say });
    this.form = part.querySelector("form");
    this.form.addEventListener("submit", (event) => this.#settle(event));
    this.form.elements.all.addEventListener("change", ({ target }) => {
      for (const box of this.#boxes()) box.checked = target.checked;
    });
  }

  async show() {
    const answer = await this.ask("GET", "/v1/slips");
    complain(this.#alert(), answer.problem);
    if (!answer.ok) return;
    const { slips, open } = answer.data;
    this.part.hidden = false;
    this.form.hidden = slips.length === 0;
    this.part.querySelector(".none").hidden = slips.length > 0;
    this.form.elements.all.checked = false;
    this.form.querySelector(".tick span").textContent = open > slips.length ? `All ${slips.length} shown, of ${open}` : `All ${open}`;
    this.form.querySelector("ol").replaceChildren(...slips.map(row));
  }

  async #settle(event) {
    event.preventDefault();
    const sales = this.#boxes().filter((box) => box.checked).map((box) => box.value);
    if (sales.length === 0) return notice(this.#alert(), "warn", "Which ones?", "Tick the payments that you have compared.");
    const body = { sales, outcome: event.submitter.value, note: this.form.elements.note.value };
    const answer = await this.ask("POST", "/v1/slips/settlement", { body });
    complain(this.#alert(), answer.problem);
    if (!answer.ok) return;
    this.form.elements.note.value = "";
    this.say(`${count(answer.data.settled, "payment")} written down as ${body.outcome}`);
    await this.show();
    this.part.querySelector("h2").focus();
  }

  #boxes() {
    return [...this.form.querySelectorAll("input[name=sale]")];
  }

  #alert() {
    return this.part.querySelector("[role=alert]");
  }
}

function row({ sale, unsold, code, tender, total, voided, digits, approval, reference, staff, sold_at }) {
  const at = new Date(sold_at).toLocaleString("en-IN", { dateStyle: "medium", timeStyle: "short" });
  const what = unsold ? ` Paid, not sold: ${unsold}.` : null;
  const slip = [digits && `ends in ${digits}`, approval && `approval ${approval}`, reference && `reference ${reference}`].filter(Boolean).join(", ") || "no slip";
  const back = voided.minor > 0 ? `, ${money(voided)} taken back` : "";
  return el(
    "li",
    {},
    el(
      "label",
      { class: "tick" },
      el("input", { type: "checkbox", name: "sale", value: sale }),
      el("span", {}, el("strong", {}, `${WORDS[tender]} ${money(total)}${back}`), what && el("strong", {}, what), ` ${slip} · ${[code, staff, at].filter(Boolean).join(", ")}`),
    ),
  );
}
