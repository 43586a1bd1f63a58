// The payment: cash with change, a card on the terminal, UPI by a code, or nothing at all.

import { approval, approvedBy } from "./approval.js";
import { amount } from "./paper.js";
import { TENDERS } from "./sold.js";
import { typedAmount } from "./typed.js";
import { el, money, seatList } from "./words.js";

/** The payment: what is due, what was given, what goes back. `act` has `pay`, `back`, `tender(name)` and the cashier's `role`. */
export function paymentPanel(sale, act) {
  const { total, lines: due } = sale.hold;
  return el(
    "form",
    { class: "stack", onsubmit: act.pay },
    el("p", { class: "chosen" }, seatList(due.map((line) => line.seat))),
    amount("To pay", total),
    el("div", { class: "choices" }, ...Object.keys(KEYS).map((name) => tender(sale, act, name))),
    ...PARTS[sale.tender](sale, total, act.role),
    el("button", { class: "button main wide", type: "submit", id: "sell" }, "Sell ", el("kbd", {}, "Enter")),
    el("button", { class: "link", type: "button", onclick: act.back }, "Back ", el("kbd", {}, "Esc")),
  );
}

const KEYS = { cash: "M", card: "C", upi: "U", complimentary: "F" };

const PARTS = { cash, card, upi, complimentary };

function tender(sale, act, name) {
  const chosen = sale.tender === name;
  const onchange = () => act.tender(name);
  const input = el("input", { type: "radio", name: "tender", value: name, checked: chosen, tabindex: chosen ? 0 : -1, onchange });
  return el("label", {}, input, el("span", {}, TENDERS[name], el("kbd", {}, KEYS[name])));
}

function cash(sale, total) {
  const given = el("input", { class: "input figures", id: "received", inputmode: "decimal", autocomplete: "off" });
  given.value = (total.minor / 100).toString();
  const back = el("strong", { class: "figures", id: "change" }, money({ ...total, minor: 0 }));
  given.addEventListener("input", () => {
    const received = typedAmount(given.value);
    if (received === null) return (back.textContent = "—");
    const change = sale.change(received);
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

function card() {
  return [
    told("Take the card on the terminal", "Press Enter once it is paid. It is recorded, and verified later."),
    el("div", { class: "pair" }, digits("Last 4 digits", "[0-9]{4}", 4), field("Approval code", { name: "approval", maxlength: 12 })),
  ];
}

function upi(sale) {
  const text = el("span", {}, "Enter once the phone says paid; it is verified later.");
  const place = el("div", { class: "upi-code", role: "img", "aria-label": "UPI code of this sale" });
  sale.upiCode().then((picture) => {
    if (picture) {
      place.replaceChildren(document.importNode(picture, true));
      // The picture comes later and pushes the field down.
      document.activeElement?.scrollIntoView({ block: "nearest" });
    } else text.textContent = "By the code that stands at the counter. Enter once the phone says paid; it is verified later.";
  });
  return [place, el("div", { class: "notice" }, el("strong", {}, "Let the guest pay by UPI"), text), digits("Last digits of the transfer", "[0-9]{4,12}", 12)];
}

function complimentary(_sale, _total, role) {
  return [
    told("Nothing is paid", "It is written down who gave it away and why."),
    field("Reason", { name: "reason", maxlength: 200, required: true, id: "reason" }),
    ...approval(role),
  ];
}

function told(title, text) {
  return el("div", { class: "notice" }, el("strong", {}, title), el("span", {}, text));
}

function digits(word, pattern, maxlength) {
  return field(word, { name: "digits", class: "input figures", inputmode: "numeric", pattern, maxlength });
}

function field(word, options) {
  return el("label", { class: "field" }, el("span", {}, word), el("input", { class: "input", autocomplete: "off", ...options }));
}

/** What the form says of the payment beside the amount. */
export function paymentDetails(tender, form) {
  const said = Object.fromEntries([...new FormData(form)].map(([name, text]) => [name, String(text).trim()]));
  const slip = Object.fromEntries(["digits", "approval"].filter((name) => said[name]).map((name) => [name, said[name]]));
  if (tender === "complimentary") return { reason: said.reason, ...approvedBy(said) };
  return tender === "cash" ? {} : { slip };
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
