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

const FEW = 10;

/** Seats row by row as people say them: `Row F · 12, 13`; of many, `Row F · 1–12`. */
export function seatList(labels) {
  const rows = new Map();
  for (const label of labels) {
    const [, row, number] = /^(.*?)(\d+)$/.exec(label) ?? [null, "", label];
    rows.set(row, [...(rows.get(row) ?? []), Number(number)]);
  }
  return Array.from(rows, ([row, numbers]) => `Row ${row} · ${labels.length > FEW ? runs(numbers) : numbers.sort((a, b) => a - b).join(", ")}`).join(" + ");
}

function runs(numbers) {
  const found = [];
  for (const number of numbers.sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([first, last]) => (first === last ? first : `${first}–${last}`)).join(", ");
}

/** A refusal as a notice: a short headline and what to do. */
export function explain(problem) {
  const [headline, text] = REFUSALS[problem.code] ?? ["That did not work", problem.detail || problem.title];
  return { headline, text };
}

const TAKE_ANOTHER = "Take another one; the map shows what is free.";
const TIME_OUT = ["The time ran out", "Pick the seats again: they may still be free."];
const MOMENT = ["One moment", "The seats are on their way here. Try again."];

const REFUSALS = {
  seat_sold: ["Somebody was faster", `A seat has just been sold. ${TAKE_ANOTHER}`],
  seat_held: ["Somebody else is holding a seat", `It may come free in a few minutes. ${TAKE_ANOTHER}`],
  seat_elsewhere: ["Sold by the other side", `While the line is down, that seat cannot be sold here. ${TAKE_ANOTHER}`],
  link_down: ["The line dropped just now", `Only this side's own seats can be sold. ${TAKE_ANOTHER}`],
  counter_only: ["Kept for the counter", "These last seats are sold at the theatre's counter. Take others, or buy them there."],
  seat_withheld: ["Not on sale", TAKE_ANOTHER],
  hold_expired: TIME_OUT,
  unknown_hold: TIME_OUT,
  hold_cap: ["No more time", "The seats cannot be kept any longer. Pay now, or pick again afterwards."],
  no_seats_together: ["Not that many seats", "There are not that many free seats here. Try fewer, or another category."],
  too_many_in_transit: MOMENT,
  seat_in_transit: MOMENT,
  claim_queue_full: MOMENT,
  show_cancelled: ["This show is cancelled", "Choose another show."],
  show_ended: ["Too late", "This show is no longer on sale."],
  closed: ["Closed for sale", "This side may not sell at the moment. The status says why."],
  already_admitted: ["Already used", "A ticket has been used for entry and cannot be taken back."],
  void_pending: ["Already asked for", "The void is waiting for the doors."],
  unreachable: ["No answer yet", "Trying again is safe: nothing is sold or paid twice."],
};

/** Shows a refusal in its place; none clears it. */
export function complain(place, problem) {
  const { headline, text } = problem ? explain(problem) : {};
  notice(place, "bad", headline, text);
}

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
