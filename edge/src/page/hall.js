// The hall of the chosen show: its map, how many, which kind, and what is proposed.

import { bestSeats, leavesOrphan, splitSeats } from "./best.js";
import { legend } from "./seat.js";
import { SeatMap } from "./seatmap.js";
import { clock, count, el, money } from "./words.js";

const ELSEWHERE = "sold online only";
const STATES = ["free", "claim", "mine", "held", "sold", "unavailable", "withheld", "in_transit", "unknown"];
const byId = (id) => document.getElementById(id);

/** `ask(method, url, options)` sends a request in the cashier's name; `onchoice()` hears of other seats being chosen. */
export class Hall {
  constructor({ ask, onchoice }) {
    Object.assign(this, { ask, onchoice, show: null, view: null, etag: null, wanted: 2, category: null, turn: 0 });
    const onchange = (labels, lost) => {
      const alone = leavesOrphan(this.view, labels) ? "Chosen by hand: one free seat stays alone" : "Chosen by hand";
      this.#say(lost.length > 0 ? this.#gone(lost) : alone);
      this.onchoice(false);
    };
    this.map = new SeatMap(byId("map"), { elsewhere: ELSEWHERE, enter: false, whole: true, onchange });
    byId("wanted").addEventListener("change", (event) => this.setWanted(Number(event.target.value)));
  }

  /** Shows another show, with its best seats chosen, or with those of a basket that was kept. */
  async open(show, basket = null) {
    Object.assign(this, { show: show.id, view: null, etag: null, category: basket?.category ?? null });
    if (basket) this.#markWanted(basket.wanted);
    byId("show-title").textContent = show.movie.title;
    byId("show-facts").textContent = `${clock(show.starts_at)} · Screen ${show.screen}`;
    this.map.chosen.clear();
    await this.refresh();
    this.#showKinds();
    if (basket && this.view) this.#resume(basket.seats);
    else this.propose();
  }

  /** What is chosen, to be kept over a reload. */
  basket() {
    return { show: this.show, wanted: this.wanted, category: this.category, seats: this.choice().map((seat) => seat.label) };
  }

  #resume(seats) {
    const free = new Set(this.view.rows.flatMap((row) => row.seats.filter((seat) => this.map.mine || seat.state === "free").map((seat) => seat.label)));
    const lost = seats.filter((label) => !free.has(label));
    this.map.limit = this.wanted;
    this.map.choose(seats.filter((label) => free.has(label)));
    this.map.reveal();
    this.#say(lost.length > 0 ? this.#gone(lost) : "As you left it");
    this.onchoice(false);
  }

  /** Asks for the seats again; the answer is small when nothing changed. */
  async refresh() {
    const { show } = this;
    if (!show) return;
    const answer = await this.ask("GET", `/v1/shows/${show}/seats`, { etag: this.etag });
    if (!answer.ok || show !== this.show) return;
    this.etag = answer.etag;
    this.view = answer.data;
    this.map.update(this.view);
    const seats = this.view.rows.flatMap((row) => row.seats);
    const states = new Set(["mine", ...seats.map((seat) => seat.state), ...(seats.some((seat) => seat.by_claim) ? ["claim"] : [])]);
    byId("legend").replaceChildren(legend(STATES.filter((state) => states.has(state)), "Sold online only", "central"));
    byId("show-facts").textContent = facts(this.view);
  }

  /** Chooses the best seats; a step of 1 takes the next best ones. */
  propose(step = 0) {
    if (!this.view) return;
    this.turn = step === 0 ? 0 : this.turn + step;
    this.map.limit = this.wanted;
    const proposals = bestSeats(this.view, this.wanted, this.category);
    const together = proposals[this.turn % Math.max(1, proposals.length)];
    this.map.choose(together ?? splitSeats(this.view, this.wanted, this.category));
    this.map.reveal();
    const found = this.map.chosen.size > 0 ? "Not together any more" : "Not that many free here";
    this.#say(together ? `${this.turn === 0 ? "Best" : "Next best"} ${count(this.wanted, "seat")}` : found);
    this.onchoice(true);
  }

  /** Another number of seats, and the best ones of them. */
  setWanted(number) {
    this.#markWanted(number);
    this.propose();
  }

  #markWanted(number) {
    this.wanted = number;
    for (const input of byId("wanted").querySelectorAll("input")) input.checked = Number(input.value) === number;
  }

  /** The name of the category that is chosen; nothing where any will do. */
  kind() {
    return this.view?.categories[this.category]?.name ?? null;
  }

  /** The seats chosen, with row, category and price. */
  choice() {
    return this.view ? this.map.choice() : [];
  }

  /** The seats are held for the sale under way: whatever the box says of them, they are ours. */
  keep(kept) {
    this.map.mine = kept;
  }

  /** What was sold here is sold, whether the box has been asked again or not: it must not be proposed to the next guest. */
  sold(labels) {
    this.map.choose([]);
    if (!this.view) return;
    for (const seat of this.view.rows.flatMap((row) => row.seats)) if (labels.includes(seat.label)) seat.state = "sold";
    this.map.update(this.view);
  }

  /** Puts the keyboard on the map. */
  focus() {
    this.map.focusSeat(this.choice()[0]?.label ?? this.view?.rows[0]?.seats[0]?.label);
  }

  // Seats that were chosen and cannot be: taken, or out of reach since the line is cut.
  #gone(labels) {
    const states = new Map(this.view.rows.flatMap((row) => row.seats).map((seat) => [seat.label, seat.state]));
    const away = labels.filter((label) => states.get(label) === "unavailable");
    const taken = labels.filter((label) => states.get(label) !== "unavailable");
    const told = [taken.length > 0 && `${taken.join(", ")} went to somebody else`, away.length > 0 && `${away.join(", ")}: ${ELSEWHERE} now`];
    return told.filter(Boolean).join(". ");
  }

  #say(text) {
    byId("proposal").textContent = text;
  }

  #showKinds() {
    const kinds = this.view?.categories ?? [];
    const kind = (value, word) => {
      const onchange = () => {
        this.category = value;
        this.propose();
        byId("main").focus({ preventScroll: true });
      };
      const checked = value === this.category;
      return el("label", {}, el("input", { type: "radio", name: "kind", checked, onchange }), el("span", {}, word));
    };
    byId("kinds").hidden = kinds.length < 2;
    byId("kinds").replaceChildren(kind(null, "Any"), ...kinds.map((one, i) => kind(i, `${one.name} ${money(one.price)}`)));
  }
}

function facts({ show, counts }) {
  const away = counts.unavailable ?? 0;
  const free = `${count(counts.free ?? 0, "seat")} free${away > 0 ? `, ${away} sold online only` : ""}`;
  return `${clock(show.starts_at)} · Screen ${show.screen} · ${free}`;
}
