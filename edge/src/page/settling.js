// What nobody has settled yet: both sides of each story, what might be done, and what was done.

import { inWords, kindInWords } from "./story.js";
import { complain, el } from "./words.js";

/** The list; `ask(method, url, options)` sends in the name of who is in, `say(text)` tells what was done. */
export class Settling {
  constructor(part, ask, say) {
    Object.assign(this, { part, ask, say, next: null, open: null });
    this.list = part.querySelector("ol");
    this.title = part.querySelector("h2");
    this.more = part.querySelector("[data-more]");
    this.settledToo = part.querySelector("#settled-too");
    this.settledToo.addEventListener("change", () => this.refresh());
    this.more.addEventListener("click", () => this.#load(this.next));
  }

  /** Reads the list from its beginning. */
  async refresh() {
    await this.#load(null);
  }

  /** Keeps the number true; reads the list again when there is more to settle and nobody is writing. */
  update({ link, door_discrepancies }) {
    const open = link.discrepancies + door_discrepancies;
    const more = this.open !== null && open > this.open;
    this.open = open;
    this.title.textContent = open > 0 ? `To settle: ${open}` : "To settle";
    const writing = [...this.list.querySelectorAll("input")].some((input) => input.value || input === document.activeElement);
    if (more && !writing && !this.part.closest("[hidden]")) this.refresh();
  }

  async #load(after) {
    const settled = this.settledToo.checked ? "true" : "false";
    const answer = await this.ask("GET", `/v1/discrepancies?settled=${settled}${after ? `&after=${after}` : ""}`);
    complain(this.#problem(), answer.problem);
    if (!answer.ok) return;
    const { discrepancies, next } = answer.data;
    if (!after) this.list.replaceChildren();
    this.list.append(...discrepancies.map((one) => this.#story(one)));
    this.next = next;
    this.more.hidden = !next;
    if (after) this.list.children[this.list.children.length - discrepancies.length]?.focus();
    this.#sayIfEmpty();
  }

  #sayIfEmpty() {
    if (this.list.children.length > 0) return;
    const text = "Nothing to settle. Both sides, and all doors, tell the same story.";
    this.list.append(el("li", { class: "empty" }, text));
  }

  #story(one) {
    const [ours, theirs] = one.n.startsWith("d") ? ["The book", "The door"] : ["This box", "The other side"];
    const side = (name, told, other) => {
      return el("div", {}, el("h4", {}, name), el("ul", {}, ...inWords(told, other).map((line) => el("li", {}, line))));
    };
    return el(
      "li",
      { class: "story", tabindex: -1, "aria-label": kindInWords(one.kind) },
      el("h3", {}, kindInWords(one.kind)),
      el("p", { class: "quiet small" }, found(one)),
      el("div", { class: "sides" }, side(ours, one.ours, one.theirs), side(theirs, one.theirs, one.ours)),
      el("p", { class: "proposed" }, el("strong", {}, "Proposed: "), one.proposed.text),
      one.settled ? settlement(one.settled) : this.#form(one),
    );
  }

  #form(one) {
    const how = el("input", { class: "input", name: "how", maxlength: 500, required: true, autocomplete: "off" });
    const place = el("div", { role: "alert" });
    const onsubmit = (event) => {
      event.preventDefault();
      this.#settle(one, how.value, event.target, place);
    };
    return el(
      "form",
      { class: "settle", onsubmit },
      place,
      el("label", { class: "field" }, el("span", {}, "What was done"), how),
      el("button", { class: "button", type: "submit" }, "Settle"),
    );
  }

  async #settle(one, how, form, place) {
    const button = form.querySelector("button");
    if (button.hasAttribute("aria-busy")) return;
    button.setAttribute("aria-busy", "true");
    const answer = await this.ask("POST", `/v1/discrepancies/${one.n}/settlement`, { body: { how } });
    button.removeAttribute("aria-busy");
    complain(place, answer.problem);
    if (!answer.ok) return;
    this.say(`Settled: ${kindInWords(one.kind)}`);
    const story = form.closest(".story");
    if (this.settledToo.checked) form.replaceWith(settlement(answer.data.settled));
    else story.remove();
    this.#sayIfEmpty();
    this.title.focus();
  }

  #problem() {
    return this.part.querySelector("[role=alert]");
  }
}

function found({ found_at, log, seq }) {
  const where = log ? `entry ${seq} of ${log === "edge" ? "this box's" : "central's"} log` : "at a door";
  return `Found ${new Date(found_at).toLocaleString("en-IN", { dateStyle: "medium", timeStyle: "short" })}, ${where}`;
}

function settlement({ at, by, how }) {
  const when = new Date(at).toLocaleString("en-IN", { dateStyle: "medium", timeStyle: "short" });
  return el("p", { class: "settled" }, el("strong", {}, `Settled by ${by}, ${when}: `), how);
}
