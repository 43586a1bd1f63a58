// What stands in the till panel: the order, the payment, the tickets, the question before a void.

import { clock, el, money, seatList, sum } from "./words.js";

/** The order before payment. */
export function orderPanel(choice, onpay) {
  const total = sum(choice.map((seat) => seat.price));
  if (!total) {
    const [two, enter] = [el("kbd", {}, "2"), el("kbd", {}, "Enter")];
    return el("p", { class: "quiet" }, "Type how many: ", two, ". Best seats are chosen; ", enter, " is cash.");
  }
  return el(
    "div",
    { class: "stack" },
    el("p", { class: "chosen" }, seatList(choice.map((seat) => seat.label))),
    lines(choice.map((seat) => ({ seat: seat.label, category: seat.name, price: seat.price }))),
    amount("Total", total),
    el("button", { class: "button main wide", type: "button", onclick: onpay }, "Cash ", el("kbd", {}, "Enter")),
  );
}

/** The payment: what is due, what was given, what goes back. `act` has `pay`, `back`, `tender(name)`. */
export function paymentPanel(sale, act) {
  const { total, lines: due } = sale.hold;
  return el(
    "form",
    { class: "stack", onsubmit: act.pay },
    el("p", { class: "chosen" }, seatList(due.map((line) => line.seat))),
    amount("To pay", total),
    el("div", { class: "choices" }, ...TENDERS.map(([name, word, key]) => tender(sale, act, name, word, key))),
    ...(sale.tender === "cash" ? cash(sale, total) : [elsewhere(sale.tender)]),
    el("button", { class: "button main wide", type: "submit", id: "sell" }, "Sell ", el("kbd", {}, "Enter")),
    el("button", { class: "link", type: "button", onclick: act.back }, "Back ", el("kbd", {}, "Esc")),
  );
}

const TENDERS = [
  ["cash", "Cash", null],
  ["card", "Card", "C"],
  ["upi", "UPI", "U"],
];

function tender(sale, act, name, word, key) {
  const chosen = sale.tender === name;
  const onchange = () => act.tender(name);
  const input = el("input", { type: "radio", name: "tender", value: name, checked: chosen, tabindex: chosen ? 0 : -1, onchange });
  return el("label", {}, input, el("span", {}, word, key && el("kbd", {}, key)));
}

function cash(sale, total) {
  const given = el("input", { class: "input figures", id: "received", inputmode: "decimal", autocomplete: "off" });
  given.value = (total.minor / 100).toString();
  const back = el("strong", { class: "figures", id: "change" }, money({ ...total, minor: 0 }));
  given.addEventListener("input", () => {
    const change = sale.change(receivedIn(given.value));
    const amount = money({ ...total, minor: Math.abs(change) });
    back.textContent = change < 0 ? `${amount} missing` : amount;
  });
  const note = (minor) => {
    const onclick = () => give(given, minor);
    return el("button", { type: "button", class: "button slim figures", tabindex: -1, onclick }, money({ ...total, minor }));
  };
  return [
    el("label", { class: "field" }, el("span", {}, "Received"), given),
    el("div", { class: "notes" }, ...notes(total).map(note)),
    el("p", { class: "total" }, el("span", {}, "Change"), back),
  ];
}

function elsewhere(tender) {
  const title = tender === "card" ? "Take the card on the terminal" : "Let the guest pay by UPI";
  const text = "Press Enter once it is paid. It is recorded, not verified.";
  return el("div", { class: "notice" }, el("strong", {}, title), el("span", {}, text));
}

/** Minor units of an amount typed as `500` or `500.50`. */
export function receivedIn(text) {
  const value = Number(text.replace(/[^\d.]/g, ""));
  return Number.isFinite(value) ? Math.round(value * 100) : 0;
}

/** What was sold: the change first, then the tickets. `act` has `next`, `print`, `void`. */
export function ticketsPanel(sale, act) {
  const { show, change, total, code } = sale;
  const [word, sum] = change && change.minor > 0 ? ["Give back", change] : ["Paid", total];
  return el(
    "div",
    { class: "stack sold" },
    el("p", { class: "give-back" }, el("span", {}, word), el("strong", { class: "figures" }, money(sum))),
    el("p", { class: "short-code" }, code.replace(/^(.{4})/, "$1 ")),
    el("ol", { class: "plain paper" }, ...sale.tickets.map((ticket) => paperTicket(ticket, show, code))),
    el("button", { class: "button main wide", type: "button", onclick: act.next }, "Next guest ", el("kbd", {}, "Enter")),
    el(
      "div",
      { class: "notes" },
      el("button", { class: "button slim", type: "button", onclick: act.print }, "Print ", el("kbd", {}, "P")),
      el("button", { class: "button slim bad", type: "button", onclick: act.void }, "Void ", el("kbd", {}, "V")),
    ),
  );
}

function paperTicket({ seat, svg }, show, code) {
  return el(
    "li",
    { class: "paper-ticket" },
    el("img", { src: svg, width: 96, height: 96, alt: `QR code of the ticket for seat ${seat}` }),
    el(
      "div",
      {},
      el("strong", {}, seat),
      el("span", {}, show.movie.title),
      el("span", {}, `${clock(show.starts_at)} · Screen ${show.screen}`),
      el("span", { class: "paper-code" }, code),
    ),
  );
}

/** The question before a void. */
export function voidPanel(sale, act) {
  const reasons = ["Guest changed their mind", "Wrong seats or show", "Payment did not go through"];
  return el(
    "form",
    { class: "stack", onsubmit: act.yes },
    el("p", { class: "chosen" }, `Void ${sale.code}?`),
    el("p", {}, `${seatList(sale.lines.map((line) => line.seat))}. Give back ${money(sale.total)}.`),
    el("fieldset", { class: "reasons" }, el("legend", {}, "Reason"), ...reasons.map((reason, i) =>
      el("label", {}, el("input", { type: "radio", name: "reason", value: reason, checked: i === 0 }), reason),
    )),
    el("div", { class: "reasons" }, el("label", {}, el("input", { type: "checkbox", name: "paper", checked: true }), "The paper is back")),
    el("button", { class: "button bad wide", type: "submit", id: "void-yes" }, "Void ", el("kbd", {}, "Enter")),
    el("button", { class: "link", type: "button", onclick: act.no }, "Keep the sale ", el("kbd", {}, "Esc")),
  );
}

function lines(due) {
  return el("ul", { class: "plain lines" }, ...due.map((line) =>
    el("li", {}, el("span", {}, `${line.seat} · ${line.category}`), el("span", { class: "figures" }, money(line.price))),
  ));
}

function amount(word, total) {
  return el("p", { class: "total" }, el("span", {}, word), el("strong", { class: "figures" }, money(total)));
}

// The next round amounts a guest is likely to hand over.
function notes(total) {
  const rounded = [10000, 20000, 50000, 200000].map((note) => Math.ceil(total.minor / note) * note);
  return [...new Set([total.minor, ...rounded])].slice(0, 4);
}

function give(input, minor) {
  input.value = (minor / 100).toString();
  input.dispatchEvent(new Event("input"));
  input.focus();
}
