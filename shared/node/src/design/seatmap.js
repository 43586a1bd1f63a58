// A seat map drawn from the JSON of a show's seats: arrows move, Space chooses, every seat says its words.

import { runFrom } from "./best.js";
import { drawSeat, paintSeat, seatWords, showing, svg } from "./seat.js";
import { money } from "./words.js";

const CELL = 30;
const PITCH = 35;
const SIDE = 46;
const TOP = 74;
const HEADING = 26;
const READABLE = 26;
const SMALLEST = 24;
const POINTED = 22;
const FINE = matchMedia("(pointer: fine)");

/**
 * Draws into `place` and calls `onchange(labels, lost)` when the choice changes by hand or a chosen seat is lost. `enter`:
 * Enter chooses as Space does. `whole`: the map fits the height of its place too.
 */
export class SeatMap {
  constructor(place, { elsewhere, limit = 2, onchange = () => {}, enter = true, whole = false }) {
    Object.assign(this, { place, elsewhere, limit, onchange, enter, whole, room: { width: 0, height: 0 } });
    this.chosen = new Set();
    this.seats = new Map();
    this.zoom = 1;
    this.drawing = svg("svg", { class: "seatmap", role: "group", "aria-label": "Seat map. Arrow keys move, Space chooses." });
    place.replaceChildren(this.drawing);
    this.drawing.addEventListener("click", (event) => this.#press(event.target.closest(".seat")));
    this.drawing.addEventListener("keydown", (event) => this.#key(event));
    this.drawing.addEventListener("focusin", (event) => this.#rove(event.target.closest(".seat")));
    new ResizeObserver(([entry]) => {
      const first = this.room.width === 0;
      this.room = entry.contentRect;
      this.#fit();
      if (first) this.reveal();
    }).observe(place);
  }

  /** Shows a whole answer of `/v1/shows/{id}/seats`. The drawing stays when only states differ. */
  update(view) {
    const shape = view.rows.map((row) => `${row.label}:${row.seats.map((seat) => seat.column).join()}`).join("|");
    const redraw = shape !== this.shape;
    this.shape = shape;
    this.view = view;
    if (redraw) this.#draw();
    else this.#each(view, (row, seat) => Object.assign(this.seats.get(seat.label).seat, seat));
    this.#keepFree();
    this.paint();
  }

  /** Shows changed states: `{"C12": "sold"}`. */
  patch(states) {
    for (const [label, state] of Object.entries(states)) {
      const entry = this.seats.get(label);
      if (entry) entry.seat.state = state;
    }
    this.#keepFree();
    this.paint();
  }

  /** Chooses exactly these seats. */
  choose(labels) {
    this.chosen = new Set(labels);
    this.paint();
  }

  /** The seats chosen, in map order, with row, category and price. */
  choice() {
    return Array.from(this.seats.values())
      .filter(({ seat }) => this.chosen.has(seat.label))
      .map(({ seat, row }) => ({ ...seat, row: row.label, ...this.view.categories[seat.category] }));
  }

  /** Puts the keyboard on a seat. */
  focusSeat(label) {
    this.seats.get(label)?.node.focus();
  }

  /** Scrolls so that the chosen seats are in sight, without moving the page. */
  reveal() {
    const nodes = Array.from(this.chosen, (label) => this.seats.get(label)?.node).filter(Boolean);
    if (nodes.length === 0) return;
    const box = this.place.getBoundingClientRect();
    const seat = nodes[Math.floor(nodes.length / 2)].getBoundingClientRect();
    this.place.scrollBy({ left: seat.x - box.x - box.width / 2, top: seat.y - box.y - box.height / 2 });
  }

  /** Makes the drawing larger or smaller; 0 fits it into its place. */
  scale(step) {
    this.zoom = step === 0 ? 1 : Math.min(3, Math.max(1, this.zoom * (step > 0 ? 1.3 : 1 / 1.3)));
    this.fitting = step === 0;
    this.#fit();
    this.reveal();
  }

  /** Repaints all seats, for example when what is chosen was changed from outside. */
  paint() {
    for (const { node, seat, row } of this.seats.values()) {
      const { state, open } = showing(seat, this.chosen.has(seat.label));
      const category = this.view.categories[seat.category];
      const words = seatWords(row.label, seat, category.name, money(category.price), state, this.elsewhere);
      if (node.getAttribute("aria-label") !== words) paintSeat(node, seat, state, open, words);
    }
  }

  // A chosen seat that somebody else got is let go; the page hears of it.
  #keepFree() {
    if (this.mine) return;
    const lost = Array.from(this.chosen).filter((label) => this.seats.get(label)?.seat.state !== "free");
    lost.forEach((label) => this.chosen.delete(label));
    if (lost.length > 0) this.onchange(Array.from(this.chosen), lost);
  }

  #each(view, visit) {
    for (const row of view.rows) for (const seat of row.seats) visit(row, seat);
  }

  #draw() {
    this.seats.clear();
    const { rows, categories } = this.view;
    this.columns = Math.max(...rows.flatMap((row) => row.seats.map((seat) => seat.column))) + 1;
    const middle = (this.columns - 1) / 2;
    const bow = Math.min(26, this.columns * 1.1);
    const arc = (column) => bow * (1 - ((column - middle) / (middle || 1)) ** 2);
    this.width = this.columns * CELL + 2 * SIDE;
    const nodes = [this.#screen()];
    let y = TOP;
    let category = -1;
    for (const row of rows) {
      const most = row.seats[Math.floor(row.seats.length / 2)]?.category ?? category;
      if (most !== category) {
        category = most;
        if (nodes.length > 1) y += HEADING;
        nodes.push(this.#heading(categories[category], y + bow - 8));
        y += 8;
      }
      const group = svg("g", { role: "group", "aria-label": `Row ${row.label}` });
      for (const seat of row.seats) {
        const node = drawSeat(seat, SIDE + seat.column * CELL + 3, y + arc(seat.column));
        node.dataset.label = seat.label;
        this.seats.set(seat.label, { node, seat, row });
        group.append(node);
      }
      const end = row.seats.length > 0 ? [row.seats[0].column, row.seats.at(-1).column] : [0, 0];
      group.append(this.#label(row, end[0] - 0.7, y + arc(end[0])), this.#label(row, end[1] + 1.7, y + arc(end[1])));
      nodes.push(group);
      y += PITCH;
    }
    this.height = y + bow + 8;
    this.drawing.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.drawing.replaceChildren(...nodes);
    this.#rove(this.seats.values().next().value?.node);
    this.fitting = false;
    this.#fit();
  }

  #screen() {
    const [left, right] = [this.width * 0.14, this.width * 0.86];
    const curve = `M${left} 26Q${this.width / 2} 44 ${right} 26`;
    const text = svg("text", { class: "screen-word", x: this.width / 2, y: 22, "text-anchor": "middle" });
    text.textContent = "SCREEN";
    const glow = svg("path", { class: "screen-light", d: `${curve}L${right + 20} 74Q${this.width / 2} 96 ${left - 20} 74z` });
    return svg("g", { "aria-hidden": "true" }, glow, svg("path", { class: "screen-edge", d: curve }), text);
  }

  #heading(category, y) {
    const text = svg("text", { class: "map-heading", x: this.width / 2, y, "text-anchor": "middle", "aria-hidden": "true" });
    text.textContent = `${category.name} · ${money(category.price)}`;
    return text;
  }

  #label(row, column, y) {
    const x = SIDE + column * CELL;
    const text = svg("text", { class: "map-row", x, y: y + 16, "text-anchor": "middle", "aria-hidden": "true" });
    text.textContent = row.label;
    return text;
  }

  // On a phone a whole hall would have seats too small to hit: then the drawing is wider than its place and scrolls. A mouse hits
  // smaller ones than a finger.
  #fit() {
    if (!this.width || !this.room.width) return;
    const tall = this.whole ? (this.room.height / this.height) * this.width : Infinity;
    const least = this.fitting ? 0 : ((this.whole ? SMALLEST : FINE.matches ? POINTED : READABLE) / CELL) * this.width;
    const width = Math.max(Math.min(this.room.width, tall, this.width * 1.35), least) * this.zoom;
    this.drawing.style.width = `${width}px`;
    this.drawing.style.height = `${(width / this.width) * this.height}px`;
    this.drawing.classList.toggle("tiny", width / this.width < 0.62);
  }

  #press(node) {
    const entry = node && this.seats.get(node.dataset.label);
    if (!entry) return;
    const { seat, row } = entry;
    if (this.chosen.has(seat.label)) this.chosen.delete(seat.label);
    else if (seat.state !== "free") return;
    else if (this.chosen.size < this.limit) this.chosen.add(seat.label);
    // The party is complete: the press moves it to where the finger is.
    else this.chosen = new Set(runFrom(row, row.seats.indexOf(seat), this.limit));
    this.paint();
    this.onchange(Array.from(this.chosen), []);
  }

  #key(event) {
    const node = event.target.closest(".seat");
    if (!node || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = this.#towards(node.dataset.label, event.key);
    if (to) to.focus();
    else if (event.key === " " || (event.key === "Enter" && this.enter)) this.#press(node);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #towards(label, key) {
    const { row, seat } = this.seats.get(label);
    const at = row.seats.findIndex((other) => other.label === label);
    const in_row = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: row.seats.length - 1 };
    if (key in in_row) return this.seats.get(row.seats[in_row[key]]?.label)?.node;
    const step = { ArrowUp: -1, ArrowDown: 1 }[key];
    const next = step && this.view.rows[this.view.rows.findIndex((other) => other.label === row.label) + step];
    if (!next) return null;
    const near = next.seats.reduce((a, b) => (Math.abs(b.column - seat.column) < Math.abs(a.column - seat.column) ? b : a));
    return this.seats.get(near.label).node;
  }

  #rove(node) {
    if (!node || node === this.current) return;
    this.current?.setAttribute("tabindex", "-1");
    node.setAttribute("tabindex", "0");
    this.current = node;
  }
}
