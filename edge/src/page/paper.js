// What stands in the till panel: the order, the tickets, the question before a void.

import { approval } from "./approval.js";
import { spaced } from "./finding.js";
import { priceBack, STATES, TENDERS, toldOf } from "./sold.js";
import { clock, el, money, seatList, sum } from "./words.js";

/** The order before payment. `act` has `pay`, `group`, and the notices of what was begun `elsewhere`. */
export function orderPanel(choice, act) {
  const total = sum(choice.map((seat) => seat.price));
  const group = el("button", { class: "link", type: "button", onclick: act.group }, "A whole group ", el("kbd", {}, "W"));
  if (!total) {
    const [two, enter] = [el("kbd", {}, "2"), el("kbd", {}, "Enter")];
    return el("div", { class: "stack" }, ...act.elsewhere, el("p", { class: "quiet" }, "Type how many: ", two, ". Best seats are chosen; ", enter, " is cash."), group);
  }
  return el(
    "div",
    { class: "stack" },
    ...act.elsewhere,
    el("p", { class: "chosen" }, seatList(choice.map((seat) => seat.label))),
    lines(choice.map((seat) => ({ seat: seat.label, category: seat.name, price: seat.price }))),
    amount("Total", total),
    el("button", { class: "button main wide", type: "button", onclick: act.pay }, "Cash ", el("kbd", {}, "Enter")),
    group,
  );
}

/** What was sold: the change first, then the tickets. `act` has `next`, `print`, `void`. */
export function ticketsPanel(sale, act) {
  const { show, change, total, code } = sale;
  // Of a sale that was found again the change went back long ago.
  const due = change && change.minor > 0 && !sale.sold_at ? ["Give back", change] : [sale.tender === "recovered" ? "Price" : "Paid", total];
  const [word, sum] = sale.tender === "complimentary" ? ["Free", { ...total, minor: 0 }] : due;
  const valid = sale.tickets.some(returnable);
  return el(
    "div",
    { class: "stack sold" },
    el("p", { class: "give-back" }, el("span", {}, word), el("strong", { class: "figures" }, money(sum))),
    el("p", { class: "short-code" }, spaced(code)),
    sale.sold_at && el("p", { class: "quiet" }, toldOf(sale)),
    sale.group && el("p", { class: "chosen" }, `${sale.group}: ${seatList(sale.tickets.map((ticket) => ticket.seat))}`),
    // A list that scrolls is reached by keyboard.
    el("ol", { class: "plain paper", tabindex: 0, "aria-label": "Tickets" }, ...sale.tickets.map((ticket) => paperTicket(ticket, show, code, Boolean(sale.group)))),
    el("button", { class: "button main wide", type: "button", onclick: act.next }, "Next guest ", el("kbd", {}, "Enter")),
    valid &&
      el(
        "div",
        { class: "notes" },
        sale.group && el("button", { class: "button slim", type: "button", onclick: () => act.print("group") }, "One paper ", el("kbd", {}, "A")),
        el("button", { class: "button slim", type: "button", onclick: () => act.print() }, sale.group ? "Each ticket " : "Print ", el("kbd", {}, "P")),
        el("button", { class: "button slim bad", type: "button", onclick: act.void }, "Void ", el("kbd", {}, "V")),
      ),
  );
}

function returnable(ticket) {
  return !["void", "admitted"].includes(ticket.state);
}

function paperTicket({ seat, svg, state }, show, code, small) {
  return el(
    "li",
    { class: "paper-ticket" },
    state === "void" || small ? null : el("img", { src: svg, width: 96, height: 96, alt: `QR code of the ticket for seat ${seat}` }),
    el(
      "div",
      {},
      el("strong", {}, seat),
      STATES[state] && el("span", { class: "ticket-state" }, STATES[state]),
      el("span", {}, show.movie.title),
      el("span", {}, `${clock(show.starts_at)} · Screen ${show.screen}`),
      el("span", { class: "paper-code" }, code),
    ),
  );
}

/** The question before a void: which tickets come back, and why; a cashier asks with a supervisor's PIN. */
export function voidPanel(sale, act) {
  const reasons = ["Guest changed their mind", "Wrong seats or show", "Payment did not go through"];
  const prices = new Map(sale.lines.map((line) => [line.seat, line.price]));
  const back = el("p", { role: "status" });
  const boxes = sale.tickets.map((ticket) => {
    const open = returnable(ticket);
    const input = el("input", { type: "checkbox", name: "ticket", value: ticket.ticket, checked: open, disabled: !open, onchange: tell });
    return { ticket, input, label: el("label", {}, input, `${ticket.seat}${STATES[ticket.state] ? `, ${STATES[ticket.state].toLowerCase()}` : ""}`) };
  });
  function tell() {
    const minor = priceBack(sale, boxes.filter(({ input }) => input.checked).map(({ ticket }) => ({ price: prices.get(ticket.seat) })));
    back.textContent = sale.tender === "complimentary" ? "Nothing was paid." : `Give back ${money({ ...sale.total, minor })}.`;
  }
  tell();
  return el(
    "form",
    { class: "stack", onsubmit: act.yes },
    el("p", { class: "chosen" }, `Void ${spaced(sale.code)}?`),
    el("fieldset", { class: "reasons" }, el("legend", {}, "Tickets"), ...boxes.map(({ label }) => label)),
    back,
    sale.tender === "recovered" && wayBack(),
    el("fieldset", { class: "reasons" }, el("legend", {}, "Reason"), ...reasons.map((reason, i) =>
      el("label", {}, el("input", { type: "radio", name: "reason", value: reason, checked: i === 0 }), reason),
    )),
    el("div", { class: "reasons" }, el("label", {}, el("input", { type: "checkbox", name: "paper", checked: true }), "The paper is back")),
    ...approval(act.role),
    el("button", { class: "button bad wide", type: "submit", id: "void-yes" }, "Void ", el("kbd", {}, "Enter")),
    el("button", { class: "link", type: "button", onclick: act.no }, "Keep the sale ", el("kbd", {}, "Esc")),
  );
}

// Nobody knows how it was paid: whoever gives the money back says how.
function wayBack() {
  const choice = (value, i) => el("label", {}, el("input", { type: "radio", name: "back", value, checked: i === 0 }), TENDERS[value]);
  return el("fieldset", { class: "reasons" }, el("legend", {}, "How it was paid is not known. It goes back by"), ...["cash", "card", "upi"].map(choice));
}

function lines(due) {
  return el("ul", { class: "plain lines" }, ...due.map((line) =>
    el("li", {}, el("span", {}, `${line.seat} · ${line.category}`), el("span", { class: "figures" }, money(line.price))),
  ));
}

/** A sum with its word. */
export function amount(word, total) {
  return el("p", { class: "total" }, el("span", {}, word), el("strong", { class: "figures" }, money(total)));
}
