// How pages write money, times and refusals, and how they build elements.

/** An amount: `₹1,23,456`, minor digits only where there are any. */
export function money(amount) {
  const digits = amount.minor % 100 === 0 ? 0 : 2;
  const locale = amount.currency === "INR" ? "en-IN" : "en";
  const style = { style: "currency", currency: amount.currency, minimumFractionDigits: digits };
  return new Intl.NumberFormat(locale, style).format(amount.minor / 100);
}

/** The sum of amounts of one currency; nothing for no amounts. */
export function sum(amounts) {
  return amounts.reduce((a, b) => (a ? { ...a, minor: a.minor + b.minor } : b), null);
}

/** Clock time in the zone the text is written in, which is the theatre's: `6:30 pm`. */
export function clock(rfc3339) {
  const found = /T(\d\d):(\d\d)/.exec(rfc3339 ?? "");
  if (!found) return "";
  const hour = Number(found[1]);
  return `${hour % 12 === 0 ? 12 : hour % 12}:${found[2]} ${hour < 12 ? "am" : "pm"}`;
}

/** Clock time on this device of an instant in any zone. */
export function clockHere(rfc3339) {
  const time = new Date(rfc3339);
  return Number.isNaN(time.getTime()) ? "" : time.toLocaleTimeString("en-IN", { hour: "numeric", minute: "2-digit" });
}

/** A length of time a person can use: `8 s`, `12 min`, `3 h`. */
export function span(seconds) {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 129600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}

/** `1 seat`, `12 seats`. */
export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Seats row by row as people say them: `Row F · 12, 13`. */
export function seatList(labels) {
  const rows = new Map();
  for (const label of labels) {
    const [, row, number] = /^(.*?)(\d+)$/.exec(label) ?? [null, "", label];
    rows.set(row, [...(rows.get(row) ?? []), Number(number)]);
  }
  return Array.from(rows, ([row, numbers]) => `Row ${row} · ${numbers.sort((a, b) => a - b).join(", ")}`).join(" + ");
}

/** What a refused customer or cashier can do, in one sentence. */
export function advice(problem) {
  return ADVICE[problem.code] ?? problem.detail ?? problem.title;
}

const ADVICE = {
  seat_sold: "Somebody was faster: a seat has just been sold. Here are the next best ones.",
  seat_held: "Somebody else is holding a seat right now. Take another one, or try again in a minute.",
  seat_elsewhere: "While the line is down, that seat is sold only by the other side. Take another one.",
  link_down: "The line to the other side dropped just now. Only this side's own seats can be sold.",
  counter_only: "These last seats are kept for the counter at the theatre. Take others, or buy them there.",
  hold_expired: "The time for these seats ran out. Pick them again: they may still be free.",
  unknown_hold: "The time for these seats ran out. Pick them again: they may still be free.",
  hold_cap: "The seats cannot be kept any longer. Pay now, or pick again afterwards.",
  no_seats_together: "There are not that many free seats here. Try fewer, or another category.",
  too_many_in_transit: "The seats are on their way. Try again in a moment.",
  seat_in_transit: "The seat is on its way. Try again in a moment.",
  unreachable: "No answer yet. Trying again is safe: nothing is sold or paid twice.",
};

/** Makes an element: `el("p", {class: "x"}, "text", child)`. Nothing is left out; text is never parsed. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Shows a notice in its place, or removes it when there is none: kinds are `good`, `warn`, `bad` and plain. */
export function notice(place, kind, title, text = "") {
  if (!title) return place.replaceChildren();
  place.replaceChildren(el("div", { class: `notice ${kind}` }, el("strong", {}, title), text && el("span", {}, text)));
}
