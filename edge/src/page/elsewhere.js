// What one has begun at another window, or at this one before it was closed: seats that are held, and the latest sale, for perhaps
// its answer never got there.

import { spaced } from "./finding.js";
import { keep, kept } from "./kept.js";
import { paid } from "./sold.js";
import { clock, el, money, seatList } from "./words.js";

const JUST_SOLD_MS = 10 * 60 * 1000;
const KNOWN_MAX = 30;

/** `ask` sends in the name of whoever is in. */
export class Elsewhere {
  constructor(ask) {
    Object.assign(this, { ask, held: [], sold: null });
  }

  /** Asks for it. The sale under way here, and the one that was looked at last, are none of it. */
  async refresh(sale, last) {
    const [holds, sales] = await Promise.all([this.ask("GET", "/v1/holds"), this.ask("GET", "/v1/sales?list=mine")]);
    if (holds.ok) this.held = holds.data.holds.filter((hold) => hold.hold !== sale?.hold?.hold);
    const [latest] = sales.ok ? sales.data.sales : [];
    const known = [...soldHere(), last?.sale];
    const isNew = latest && !known.includes(latest.sale) && Date.now() + sales.skew - Date.parse(latest.sold_at) < JUST_SOLD_MS;
    this.sold = isNew && latest.tickets.some(({ state }) => state === "live") ? latest : null;
  }

  /** Those seats are this window's now. */
  take(hold) {
    this.held = this.held.filter((other) => other.hold !== hold);
  }

  /** This sale is known here. */
  note(sale) {
    this.sold = null;
    keep("sold here", [sale, ...soldHere()].slice(0, KNOWN_MAX));
  }

  /** The notices. `take(hold)` goes on with seats, `look` shows the sale; a key does what the first notice says. */
  notices({ take, look }) {
    const held = this.held.map((hold) => ({
      kind: "held-elsewhere",
      word: `You hold ${seatList(hold.lines.map((line) => line.seat))}`,
      text: `${money(hold.total)}, not sold yet`,
      act: ["Go on ", () => take(hold)],
    }));
    const sold = this.sold && {
      kind: "sold-elsewhere",
      word: `You sold ${seatList(this.sold.tickets.map((ticket) => ticket.seat))}`,
      text: `${spaced(this.sold.code)}, ${paid(this.sold)}, at ${clock(this.sold.sold_at)}`,
      act: ["Look at it ", look],
    };
    return [...held, sold].filter(Boolean).map((one, at) => noticed(one, at === 0));
  }
}

// Whoever sold them: at one window cashiers take turns.
function soldHere() {
  return kept("sold here") ?? [];
}

function noticed({ kind, word, text, act: [does, onclick] }, first) {
  const key = el("button", { class: "button slim", type: "button", onclick }, does, first && el("kbd", {}, "K"));
  const where = `${text}: at another window, or before this one was closed.`;
  return el("div", { class: `notice ${kind}` }, el("strong", {}, word), el("span", {}, where), key);
}
