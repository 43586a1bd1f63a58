// What stands in the till panel: the order, the payment, the tickets, the question before a void.

import { clock, el, money, seatList, sum } from "./words.js";

/** The order before payment. */
export function orderPanel(choice, onpay) {
  const total = sum(choice.map((seat) => seat.price));
  if (!total) return el("p", { class: "quiet" }, "Type how many: ", el("kbd", {}, "2"), ". Best seats are chosen; ", el("kbd", {}, "Enter"), " is cash.");
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
  const given = el("input", { class: "input figures", id: "received", inputmode: "decimal", autocomplete: "off", value: (total.minor / 100).toString() });
  const back = el("strong", { class: "figures", id: "change" }, money({ ...total, minor: 0 }));
  given.addEventListener("input", () => {
    const change = sale.change(receivedIn(given.value));
    back.textContent = change < 0 ? `${money({ ...total, minor: -change })} missing` : money({ ...total, minor: change });
  });
  const tenders = [["cash", "Cash", null], ["card", "Card", "C"], ["upi", "UPI", "U"]];
  const cash = sale.tender === "cash";
  return el(
    "form",
    { class: "stack", onsubmit: act.pay },
    el("p", { class: "chosen" }, seatList(due.map((line) => line.seat))),
    amount("To pay", total),
    el("div", { class: "choices" }, ...tenders.map(([name, word, key]) =>
      el("label", {}, el("input", { type: "radio", name: "tender", value: name, checked: sale.tender === name, tabindex: sale.tender === name ? 0 : -1, onchange: () => act.tender(name) }), el("span", {}, word, key && el("kbd", {}, key))),
    )),
    cash && el("label", { class: "field" }, el("span", {}, "Received"), given),
    cash && el("div", { class: "notes" }, ...notes(total).map((note) =>
      el("button", { type: "button", class: "button slim figures", tabindex: -1, onclick: () => give(given, note) }, money({ ...total, minor: note })),
    )),
    cash && el("p", { class: "total" }, el("span", {}, "Change"), back),
    !cash && el("p", { class: "notice" }, el("strong", {}, sale.tender === "card" ? "Take the card on the terminal" : "Let the guest pay by UPI"), el("span", {}, "Press Enter once it is paid. It is recorded, not verified.")),
    el("button", { class: "button main wide", type: "submit", id: "sell" }, "Sell ", el("kbd", {}, "Enter")),
    el("button", { class: "link", type: "button", onclick: act.back }, "Back ", el("kbd", {}, "Esc")),
  );
}

/** Minor units of an amount typed as `500` or `500.50`. */
export function receivedIn(text) {
  const value = Number(text.replace(/[^\d.]/g, ""));
  return Number.isFinite(value) ? Math.round(value * 100) : 0;
}

/** What was sold: the change first, then the tickets. */
export function ticketsPanel(sale, act) {
  const { show, change, total } = sale;
  return el(
    "div",
    { class: "stack sold" },
    el("p", { class: "give-back" }, el("span", {}, change && change.minor > 0 ? "Give back" : "Paid"), el("strong", { class: "figures" }, money(change && change.minor > 0 ? change : total))),
    el("p", { class: "short-code" }, sale.code.replace(/^(.{4})/, "$1 ")),
    el("ol", { class: "plain paper" }, ...sale.tickets.map((ticket) =>
      el(
        "li",
        { class: "paper-ticket" },
        el("img", { src: ticket.svg, width: 96, height: 96, alt: `QR code of the ticket for seat ${ticket.seat}` }),
        el("div", {}, el("strong", {}, ticket.seat), el("span", {}, show.movie.title), el("span", {}, `${clock(show.starts_at)} · Screen ${show.screen}`), el("span", { class: "paper-code" }, sale.code)),
      ),
    )),
    el("button", { class: "button main wide", type: "button", onclick: act.next }, "Next guest ", el("kbd", {}, "Enter")),
    el("div", { class: "notes" },
      el("button", { class: "button slim", type: "button", onclick: act.print }, "Print ", el("kbd", {}, "P")),
      el("button", { class: "button slim bad", type: "button", onclick: act.void }, "Void ", el("kbd", {}, "V")),
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
    el("label", { class: "reasons" }, el("span", {}, el("input", { type: "checkbox", name: "paper", checked: true }), " The paper is back")),
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
