// A box that may not sell: why, who was asked, and, where nobody can prove its log, a manager who answers for it.

import { request } from "./api.js";
import { complain, el, notice } from "./words.js";

// A headline, what it means, what to do. The doors go on admitting in all of them.
const DISK = ["The disk failed", "Nothing more can be written.", "Call for help. After a new start this box asks for what it lacks."];
const WHY = {
  head_unproven: ["Is the book whole?", "This box has started and cannot tell by itself whether it remembers every sale.", ""],
  fork: [
    "Two books",
    "This box and central have different entries under one number.",
    "Find out whether a second box or an old copy of this one is running, and switch it off. Two persons then open this one.",
  ],
  upgrade_needed: ["Too old", "Central says something this program cannot read.", "Upgrade this box; it then opens by itself."],
  broken_invariant: [
    "The book does not add up",
    "This box and central have come to different sums from the same entries.",
    "Read what is to be settled. Two persons then open this box, which adds everything up anew.",
  ],
  key_revoked: ["Key revoked", "The key of this box is not valid any more.", "Enrol this box anew, or its replacement."],
  disk_full: ["The disk is full", "Nothing can be written, so nothing can be sold.", "Make room on the disk of this box. It then sells again by itself."],
  disk_read_only: [
    "The disk takes nothing",
    "Nothing can be written, so nothing can be sold.",
    "Call for help: the disk may be failing. The box sells again by itself when it can write.",
  ],
  disk_error: DISK,
  store_stopped: DISK,
};

/** Why a box may not sell: a headline, what it means, what to do. And whether two persons may open it. */
export function persons({ reasons }) {
  const reason = reasons[0] ?? "";
  const why = WHY[reason] ?? ["Closed", reason.replaceAll("_", " "), ""];
  return { why, may: ["head_unproven", "fork", "broken_invariant"].includes(reason) };
}

/** The panel over the counter; `update(status)` with each answer of the box. */
export class Closed {
  constructor(panel) {
    this.panel = panel;
    this.form = panel.querySelector("form");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#open();
    });
  }

  update({ can_sell, reasons, asking }) {
    this.panel.hidden = can_sell;
    if (can_sell) return;
    const { why, may } = persons({ reasons });
    const [title, text, todo] = why;
    this.panel.querySelector("h1").textContent = title;
    this.panel.querySelector(".why").textContent = text;
    this.panel.querySelector("ul").replaceChildren(...(asking ? asked(asking) : []));
    this.panel.querySelector(".next").textContent = asking ? next(asking) : todo;
    this.panel.querySelector(".persons").hidden = !may;
    this.form.hidden = !(asking && asking.pin && asking.left_s === 0 && asking.wanted === undefined);
  }

  async #open() {
    const place = this.form.querySelector("[role=alert]");
    const [staff, pin] = [this.form.elements.staff.value.trim(), this.form.elements.pin.value];
    this.form.elements.pin.value = "";
    const session = await request("POST", "/v1/session", { body: { staff, pin } });
    if (session.problem?.code === "wrong_pin") {
      return notice(place, "bad", "Wrong name or PIN", "Check the name and type the PIN again.");
    }
    if (!session.ok) return complain(place, session.problem);
    const { token } = session.data;
    const opened = await request("POST", "/v1/open", { body: { by: "manager_pin" }, token });
    request("DELETE", "/v1/session", { token });
    if (!opened.ok) return complain(place, opened.problem);
    notice(place);
    this.panel.hidden = true;
  }
}

function asked({ answers, named, own }) {
  const said = new Map(answers.map(({ who, seq }) => [who, seq]));
  const everybody = new Set(["central", ...(named ? [named] : []), ...said.keys()]);
  return [...everybody].map((who) => {
    const name = who === "central" ? "Central" : `Device ${who}${who === named ? ", the witness" : ""}`;
    if (!said.has(who)) return el("li", {}, el("strong", {}, name), " has not answered");
    const more = said.get(who) > own;
    const word = more ? `remembers ${said.get(who) - own} entries more` : "remembers no more than this box";
    return el("li", { class: more ? "more" : "same" }, el("strong", {}, name), ` ${word}`);
  });
}

function next({ left_s, wanted, pin }) {
  if (wanted !== undefined) return "The missing entries are being taken back. The box opens by itself.";
  if (left_s > 0) return `Asking for ${left_s} s more. The box opens by itself when it is answered.`;
  if (!pin) return "It opens when it is answered, or by two persons. In this house one PIN does not open it.";
  return "It opens when it is answered, or when a manager answers for it. Seats unsold until now are then kept back until two persons have settled them.";
}
