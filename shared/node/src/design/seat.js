// One seat: its drawing and its words. Every state has a shape of its own, so colour only helps.

const SVG = "http://www.w3.org/2000/svg";

/** Makes an SVG element. */
export function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// An armchair seen from above, in a box of 24: the back is towards the viewer, away from the screen.
const BODY = "M6 3h12a3 3 0 0 1 3 3v9.5c0 4-3 5.5-9 5.5s-9-1.500-9-5.500V6a3 3 0 0 1 3-3z";

const MARKS = {
  mine: "M7 12.500l3.500 3.500L17 8.500",
  sold: "M8 8l8 8M16 8l-8 8",
  held: "M4.500 12L11 4.500M4.500 18L16.500 4.500M9 20L20 8M15 20l5-5.500",
  withheld: "M7.500 12h9",
  unavailable: "M12 11.900v.2",
  in_transit: "M7 12h9.500M13 8.500l3.500 3.500-3.500 3.500",
  unknown: "M9.500 9.500a2.500 2.500 0 1 1 3.700 2.200c-.8.500-1.200 1-1.200 1.900M12 16.400v.2",
  accessible: "M11 6.300v.2M11 9v4.500h4l1.500 3.500M9 11.200a3.600 3.600 0 1 0 4.500 5",
};

const WORDS = {
  free: "available",
  mine: "chosen",
  held: "held by somebody",
  sold: "sold",
  withheld: "not on sale",
  in_transit: "on its way, try again in a moment",
  unknown: "not on sale until a manager has looked",
};

/** What a seat looks like now: the state it shows and whether it can be chosen. */
export function showing(seat, chosen) {
  const state = chosen ? "mine" : seat.state;
  return { state, open: chosen || seat.state === "free" };
}

/** `Row A, Seat 14, Gold, ₹250, available`. `elsewhere` is what *unavailable* means on this side. */
export function seatWords(row, seat, category, price, state, elsewhere) {
  const words = state === "unavailable" ? elsewhere : (WORDS[state] ?? state);
  const wheelchair = seat.accessible ? ", wheelchair or companion" : "";
  return `Row ${row}, Seat ${seat.number}, ${category}, ${price}${wheelchair}, ${words}`;
}

/** Draws a seat with its upper left corner at (x, y); `paint` fills in the state. */
export function drawSeat(seat, x, y) {
  const number = svg("text", { class: "seat-number", x: 12, y: 15.6, "text-anchor": "middle" });
  number.textContent = seat.number;
  return svg(
    "g",
    { class: `seat category-${seat.category % 4}`, transform: `translate(${x} ${y})`, role: "checkbox", tabindex: -1 },
    svg("rect", { class: "seat-hit", x: -3, y: -4, width: 30, height: 32 }),
    svg("rect", { class: "seat-focus", x: -1.5, y: -1, width: 27, height: 26, rx: 6 }),
    svg("path", { class: "seat-body", d: BODY }),
    svg("path", { class: "seat-mark", d: "" }),
    number,
    ...(seat.by_claim ? [svg("circle", { class: "seat-claim", cx: 17.4, cy: 6.4, r: 2 })] : []),
  );
}

/** Shows a state on a drawn seat. */
export function paintSeat(node, seat, state, open, words) {
  node.dataset.state = state;
  node.setAttribute("aria-checked", String(state === "mine"));
  node.setAttribute("aria-disabled", String(!open));
  node.setAttribute("aria-label", words);
  const mark = state === "free" ? (seat.accessible ? MARKS.accessible : "") : (MARKS[state] ?? MARKS.unknown);
  node.querySelector(".seat-mark").setAttribute("d", mark);
}

/** The legend: one drawn seat and its words per state. `claimed` is where a seat comes from that has to be asked for. */
export function legend(states, elsewhere, claimed) {
  const list = document.createElement("ul");
  list.className = "legend plain";
  for (const state of states) {
    const item = document.createElement("li");
    const drawing = svg("svg", { viewBox: "-2 -2 28 28", width: 24, height: 24, "aria-hidden": "true" });
    const seat = { number: "", category: 0, accessible: state === "accessible", by_claim: state === "claim" };
    const node = drawSeat(seat, 0, 0);
    paintSeat(node, seat, ["accessible", "claim"].includes(state) ? "free" : state, true, "");
    for (const name of ["role", "tabindex", "aria-label", "aria-checked", "aria-disabled"]) node.removeAttribute(name);
    drawing.append(node);
    item.append(drawing, { unavailable: elsewhere, claim: `Free, fetched from ${claimed} when sold` }[state] ?? LEGEND[state] ?? state);
    list.append(item);
  }
  return list;
}

const LEGEND = {
  free: "Free",
  mine: "Yours",
  held: "Held",
  sold: "Sold",
  withheld: "Not on sale",
  in_transit: "On its way",
  unknown: "Being checked",
  accessible: "Wheelchair or companion",
};
