// The till: from the seats that are chosen to the tickets that are handed out, and on from there where something broke it off.

import { approvedBy, CORRECTABLE } from "./approval.js";
import { freshKey } from "./api.js";
import { Elsewhere } from "./elsewhere.js";
import { findPanel, look, queryOf, spaced } from "./finding.js";
import { Asking, groupPanel } from "./group.js";
import { keep, kept } from "./kept.js";
import { showTickets } from "./pane.js";
import { untold } from "./once.js";
import { orderPanel, ticketsPanel, voidPanel } from "./paper.js";
import { paymentDetails, paymentPanel } from "./payment.js";
import { Sale } from "./sale.js";
import { AMOUNTS, typedAmount } from "./typed.js";
import { complain, money, notice, seatList } from "./words.js";

const TITLES = { order: "Sale", payment: "Payment", tickets: "Sold", void: "Void", find: "Find a sale", group: "A group" };
const byId = (id) => document.getElementById(id);

// As long as a hold may last: it is held still, to the end of its time.
const isAtItsCap = (answer) => answer.problem?.code === "hold_cap";

/**
 * The till. `ask` sends in the name of whoever is in, `who()` tells who that is, `focus()` puts the keyboard back on the page, and
 * `onvoid(sale, tickets)` hears of a void that waits for the doors.
 */
export class Till {
  constructor({ ask, who, focus, hall, prints, onvoid }) {
    Object.assign(this, { ask, who, focus, hall, prints, onvoid, working: false });
    const before = kept("till");
    /** `order`, `group`, `payment`, `tickets`, `void` or `find`. */
    this.stage = before?.stage ?? "order";
    this.asking = new Asking();
    this.found = { sales: [], word: "Your last sales" };
    this.sale = before?.sale ? Sale.from(before.sale, ask) : null;
    // Before the map is drawn: its seats are held, and are not to be taken for somebody else's.
    if (this.sale) hall.keep(true);
    /** The seats of a payment that was left are on their way back. */
    this.leaving = null;
    /** A sale whose seats were asked for without an answer. */
    this.unanswered = null;
    this.elsewhere = new Elsewhere(ask);
    this.last = kept("last sale");
    if (!this.last && ["tickets", "void"].includes(this.stage)) this.stage = "order";
  }

  /** A sale is under way: its show and its seats must stay as they are. */
  get busy() {
    return this.stage === "payment" || this.working;
  }

  /** Nothing is looked at but the seats. */
  get idle() {
    return this.stage === "order";
  }

  show() {
    const { sale, last } = this;
    const panels = {
      order: () => orderPanel(this.hall.choice(), { pay: () => this.pay(), group: () => this.askGroup(), elsewhere: this.#elsewhere() }),
      payment: () =>
        paymentPanel(sale, { pay: (event) => this.sell(event), back: () => this.escape(), tender: (name) => this.setTender(name), role: this.who().role }),
      tickets: () =>
        ticketsPanel(last, { next: () => this.hall.propose(), print: (document) => this.prints.again(last, document), void: () => this.askVoid() }),
      void: () => voidPanel(last, { yes: (event) => this.voidLast(event), no: () => this.order(), role: this.who().role }),
      group: () => groupPanel(this.hall.kind(), { hold: (event) => this.holdGroup(event), back: () => this.order(), role: this.who().role }),
      find: () => findPanel(this.found, { find: (text) => this.find(text), open: (sale) => this.open(sale), back: () => this.order() }),
    };
    // What was found again is not what has just been sold.
    byId("till-title").textContent = this.stage === "tickets" && last.sold_at ? "Found" : TITLES[this.stage];
    byId("till").dataset.stage = this.stage;
    byId("till-body").replaceChildren(panels[this.stage]());
    this.#keep();
  }

  /** Other seats are chosen: `anew` by a proposal, which also ends looking at the last sale. */
  choose(anew) {
    if (this.sale) return;
    if (anew) this.stage = "order";
    if (this.stage === "order") this.show();
  }

  /** Somebody is in, perhaps after a reload: goes on with what was under way. */
  async resume() {
    this.show();
    if (this.sale) {
      this.hall.keep(true);
      await this.#alone(() => (this.sale.asked ? this.#askAgain() : this.#hold(true)));
    } else if (this.stage === "void") await this.#lookAgain();
    else if (this.stage === "find") await this.askFind();
    else if (kept("to print")) await this.#print();
    await this.#askElsewhere();
  }

  // --- from the seats to the money

  async pay() {
    await this.leaving;
    const seats = this.hall.choice().map((seat) => seat.label);
    if (seats.length === 0 || this.busy) return;
    const { unanswered, hall } = this;
    const same = unanswered?.show === hall.show && unanswered.seats.join() === seats.join();
    await this.#start(same ? unanswered : new Sale(hall.show, seats, this.ask));
  }

  /** Goes on with seats that are held at another window. */
  async take(hold = this.elsewhere.held[0]) {
    await this.leaving;
    if (!hold || this.busy) return;
    await this.#start(Sale.of(hold, this.ask));
  }

  /** Goes on with what was begun at another window: the seats that are held first. */
  goOn() {
    return this.elsewhere.held.length > 0 ? this.take() : this.#look();
  }

  #look() {
    const { sold } = this.elsewhere;
    if (this.busy || !sold) return;
    this.elsewhere.note(sold.sale);
    this.open(sold);
  }

  #elsewhere() {
    return this.elsewhere.notices({ take: (hold) => this.take(hold), look: () => this.#look() });
  }

  /** Asks for a whole group's seats. */
  askGroup() {
    if (this.busy) return;
    this.stage = "group";
    notice(byId("till-problem"));
    this.show();
    byId("people").focus();
  }

  async holdGroup(event) {
    event.preventDefault();
    const sale = this.asking.sale(this.hall.show, this.hall.kind(), event.target, this.ask);
    await this.#alone(async () => {
      const placed = await sale.open();
      // What was answered once is answered again, though the hold may have ended since.
      const answer = placed.ok && sale.again ? await sale.renew() : placed;
      if (answer.signedOut) return;
      // A second group of the same words is a group of its own.
      if (!untold(answer)) this.asking = new Asking();
      complain(byId("till-problem"), answer.problem);
      if (!answer.ok) return;
      [this.sale, this.unanswered] = [sale, null];
      this.hall.keep(true);
      this.#toPayment();
      await this.hall.refresh();
    });
  }

  async #start(sale) {
    [this.sale, this.unanswered] = [sale, null];
    this.hall.keep(true);
    this.#keep();
    await this.#alone(() => this.#hold());
  }

  // Holds the seats, or keeps on holding them, and goes on to the payment.
  async #hold(again = false) {
    const { sale } = this;
    const placed = sale.hold ? null : await sale.open();
    // What was answered once is answered again, though the hold may have ended since.
    const answer = placed && !(placed.ok && again) ? placed : await sale.renew();
    if (answer.signedOut || sale !== this.sale) return;
    const held = answer.ok || isAtItsCap(answer);
    complain(byId("till-problem"), held ? null : answer.problem);
    if (held || (untold(answer) && sale.hold)) {
      this.elsewhere.take(sale.hold.hold);
      this.#toPayment();
    } else if (untold(answer)) {
      // The same seats are asked for again in the same words, so that nobody stands in their own way.
      this.#end();
      this.unanswered = sale;
      this.show();
    } else await this.#refusedHold(answer);
  }

  async #refusedHold(answer) {
    const { sale } = this;
    const found = sale.hold ? await sale.find() : { ok: true, sale: null };
    if (found.sale) return this.#sold(found.sale);
    this.#end();
    this.order();
    await this.hall.refresh();
    if (answer.status === 409) this.hall.propose();
    else this.show();
  }

  #toPayment() {
    this.stage = "payment";
    this.prints.forget();
    this.show();
    this.#focusPayment();
  }

  #focusPayment() {
    const field = byId("received") ?? byId("till-body").querySelector(".field input");
    field.focus();
    field.select();
  }

  /** Keeps the seats of the payment held, and says so at once where they are gone: no money should change hands then. */
  async keepHold() {
    const { sale } = this;
    if (this.stage !== "payment" || this.working) return;
    const answer = await sale.touch();
    if (!answer || answer.ok || isAtItsCap(answer) || answer.signedOut || untold(answer) || sale !== this.sale || this.working) return;
    const rest = "If the guest has paid already, press Enter: it is written down. Otherwise press Esc and choose again.";
    notice(byId("till-problem"), "warn", "The seats are not held any more", rest);
  }

  setTender(tender) {
    // The words of what was asked for stand until it is certain that it was refused.
    if (this.stage !== "payment" || this.sale.asked) return;
    this.sale.tender = tender;
    this.show();
    this.#focusPayment();
  }

  async sell(event) {
    event?.preventDefault();
    const { sale } = this;
    if (!sale || this.working) return;
    if (!sale.asked) {
      const received = typedAmount(byId("received")?.value ?? "0");
      if (received === null) {
        notice(byId("till-problem"), "bad", "How much was received?", AMOUNTS);
        return byId("received").select();
      }
      const change = sale.change(received);
      if (sale.tender === "cash" && change < 0) {
        notice(byId("till-problem"), "bad", "Not enough", `${money({ ...sale.hold.total, minor: -change })} missing.`);
        return byId("received").select();
      }
      sale.prepare(received, paymentDetails(sale.tender, byId("sell").form));
    }
    await this.#alone(() => this.#complete());
  }

  async #complete() {
    const { sale } = this;
    sale.staff = this.who().staff;
    this.#keep();
    byId("sell")?.setAttribute("aria-busy", "true");
    const answer = await sale.complete();
    if (answer.signedOut || sale !== this.sale) return;
    complain(byId("till-problem"), answer.problem);
    byId("sell")?.removeAttribute("aria-busy");
    if (answer.ok) return this.#sold(answer.data);
    if (untold(answer)) return;
    const mended = CORRECTABLE.includes(answer.problem.code) || answer.status >= 500;
    // Refused, and yet it may be sold: by what was asked for before, or at another window.
    const found = mended ? { ok: true, sale: null } : await sale.find();
    if (found.sale) return this.#sold(found.sale);
    if (!found.ok) return;
    sale.correct();
    this.#keep();
    if (mended) return;
    const paid = answer.problem.paid_unsold;
    if (paid) this.#paidUnsold(sale, paid);
    await this.#back();
  }

  #paidUnsold(sale, reference) {
    const word = sale.tender === "upi" ? `by UPI, reference ${reference}` : "by card";
    const rest = `${money(sale.hold.total)} ${word}: written down under payments to verify. Choose seats again and take no second payment, or let a supervisor pay it back; tell the supervisor which.`;
    notice(byId("till-problem"), "bad", "Paid, but nothing was sold", rest);
  }

  // Asks for it once more, word for word. Somebody else, or somebody whose approval is not kept, looks for it instead.
  async #askAgain() {
    const { sale } = this;
    this.#toPayment();
    if (sale.staff === this.who().staff && sale.asked.tender !== "complimentary") return this.#complete();
    const found = await sale.find();
    complain(byId("till-problem"), found.problem);
    if (found.signedOut || !found.ok) return;
    if (found.sale) return this.#sold(found.sale);
    sale.correct();
    await this.#hold();
  }

  async #sold(answer) {
    // Found by its hold it is no less just sold: its change is still to be given back.
    const { sold_at: _when, staff: _who, ...done } = answer;
    this.#end();
    this.last = done;
    this.stage = "tickets";
    this.elsewhere.note(done.sale);
    keep("last sale", done);
    keep("to print", done.sale);
    notice(byId("till-problem"));
    if (done.show.id === this.hall.show) this.hall.sold(done.lines.map((line) => line.seat));
    this.show();
    this.focus();
    byId("said").textContent = `Sold ${done.lines.map((line) => line.seat).join(", ")}`;
    showTickets(done.tickets.map(({ seat, code }) => ({ seat, code, title: done.show.movie.title })));
    this.#print();
    this.hall.refresh();
  }

  // What was sold and not printed yet when the page went away is printed when it is back.
  async #print() {
    const { last } = this;
    if (last?.sale !== kept("to print")) return;
    if (await this.prints.start(last)) keep("to print", null);
  }

  // --- back

  /** Esc: out of the payment only once it is certain that nothing is sold. */
  async escape() {
    if (this.stage !== "payment") return this.order();
    if (this.working) return;
    if (this.sale.asked) return this.#alone(() => this.#giveUp());
    // Whoever is quick chooses already while the seats are given back; only the next hold waits for that.
    this.leaving = this.#back();
    await this.leaving;
  }

  // A hold that is let go of becomes no sale any more: whatever it has become by then, the box knows.
  async #giveUp() {
    const { sale } = this;
    const released = await sale.release();
    const found = await sale.find();
    if (found.signedOut || sale !== this.sale) return;
    if (found.sale) return this.#sold(found.sale);
    complain(byId("till-problem"), found.problem ?? (released.status === 0 ? released.problem : null));
    if (!found.ok || released.status === 0) return;
    this.#end();
    this.order();
    notice(byId("till-problem"), "warn", "Nothing was sold", "The box has no such sale, and the seats are free again.");
    await this.hall.refresh();
  }

  async #back() {
    const { sale } = this;
    this.sale = null;
    this.order();
    await sale.release();
    this.hall.keep(false);
    await this.hall.refresh();
  }

  #end() {
    this.sale = null;
    this.hall.keep(false);
  }

  /** Back to the seats. */
  order() {
    this.stage = "order";
    this.show();
    this.focus();
  }

  // --- sales that were made

  /** Looks for a sale: one's own last ones are there at once. */
  async askFind() {
    if (this.busy) return;
    this.stage = "find";
    notice(byId("till-problem"));
    this.show();
    byId("find").focus();
    const found = await look(this.ask, { list: "mine" }, byId("till-problem"));
    if (found) this.#found(found);
  }

  async find(text) {
    const found = await look(this.ask, queryOf(text, this.hall.show), byId("till-problem"));
    if (!found || this.stage !== "find") return;
    if (found.sales.length === 1) return this.open(found.sales[0]);
    this.#found(found);
    byId("find").value = text;
    byId("find").select();
  }

  #found(found) {
    this.found = found;
    if (this.stage !== "find") return;
    const typed = byId("find").value;
    this.show();
    byId("find").value = typed;
    byId("find").focus();
  }

  /** Shows a sale that was found. */
  open(sale) {
    this.last = sale;
    keep("last sale", sale);
    this.stage = "tickets";
    this.show();
    this.focus();
  }

  askVoid() {
    if (this.busy) return;
    if (!this.last) return this.askFind();
    this.stage = "void";
    this.show();
    (byId("till-body").querySelector("[name=approver]") ?? byId("void-yes")).focus();
  }

  async voidLast(event) {
    event.preventDefault();
    const { last } = this;
    const answers = new FormData(event.target);
    const tickets = answers.getAll("ticket");
    if (tickets.length === 0) return notice(byId("till-problem"), "warn", "Which tickets?", "Tick those that come back.");
    const said = { reason: answers.get("reason"), paper_surrendered: answers.has("paper"), tickets };
    const back = answers.has("back") ? { back: answers.get("back") } : {};
    const body = { ...said, ...back, ...approvedBy(Object.fromEntries(answers)) };
    await this.#alone(async () => {
      const answer = await this.ask("POST", `/v1/sales/${last.sale}/void`, { body, key: freshKey(), insist: true });
      if (answer.signedOut) return;
      complain(byId("till-problem"), answer.problem);
      if (answer.ok) await this.#voided(last, tickets, answer.data.state === "voided");
    });
  }

  async #voided(sale, tickets, done) {
    const seats = seatList(sale.tickets.filter((ticket) => tickets.includes(ticket.ticket)).map((ticket) => ticket.seat));
    this.last = null;
    keep("last sale", null);
    this.order();
    const part = tickets.length < sale.tickets.length ? "A part of " : "";
    // What waits has a notice of its own, which goes when the doors have answered.
    if (done) notice(byId("till-problem"), "good", `${part}${spaced(sale.code)} is void`, `${seats}: free again.`);
    else this.onvoid(sale, tickets);
    this.hall.refresh();
  }

  // The page went away while a void was asked for, perhaps: the box knows whether it was.
  async #lookAgain() {
    const { last } = this;
    const answer = await this.ask("GET", `/v1/sales?code=${last.code}`, { insist: true });
    const [now] = answer.ok ? answer.data.sales : [];
    if (!now) return;
    const before = new Map(last.tickets.map((ticket) => [ticket.ticket, ticket.state ?? "live"]));
    const changed = now.tickets.filter(({ ticket, state }) => state !== before.get(ticket) && state.startsWith("void"));
    const done = changed.every(({ state }) => state === "void");
    if (changed.length > 0) await this.#voided(now, changed.map(({ ticket }) => ticket), done);
  }

  async #askElsewhere() {
    await this.elsewhere.refresh(this.sale, this.last);
    if (this.stage === "order" && !this.sale) this.show();
  }

  #keep() {
    keep("till", { stage: this.stage, sale: this.sale ?? this.unanswered });
  }

  // A second Enter while the first is under way must not become a second request.
  async #alone(task) {
    if (this.working) return;
    this.working = true;
    try {
      await task();
    } finally {
      this.working = false;
    }
  }
}
