// One sale: seats held, money taken, tickets handed out. Its keys are made before anything is sent and reused until an answer
// came, so that a sale asked for twice happens once, over a reload and at another window too: one hold becomes one sale.

import { freshKey } from "./api.js";

const RENEW_MS = 30000;
const KEPT = ["show", "seats", "holdKey", "key", "hold", "tender", "asked", "staff"];

/** One sale from the seats to the tickets. `ask(method, url, options)` sends in the name of whoever is in. */
export class Sale {
  constructor(show, seats, ask) {
    Object.assign(this, { show, seats, ask, holdKey: freshKey(), key: freshKey(), hold: null, tender: "cash", asked: null, staff: null });
    this.renewed = Date.now();
  }

  /** A sale that a reload has broken off. */
  static from(kept, ask) {
    return Object.assign(new Sale(kept.show, kept.seats, ask), kept);
  }

  /** A sale of seats that are held already, perhaps at another window. */
  static of(hold, ask) {
    return Object.assign(new Sale(hold.show, hold.lines.map((line) => line.seat), ask), { hold });
  }

  /** What a reload needs to go on with it. Whoever allowed something with a PIN is asked again. */
  toJSON() {
    const { approved_by: _secret, ...asked } = this.asked ?? {};
    return { ...Object.fromEntries(KEPT.map((name) => [name, this[name]])), asked: this.asked && asked };
  }

  /** Holds the seats, or those of a group's `wish`, before any money is on the table. */
  async open() {
    const options = { body: this.wish ?? { seats: this.seats }, key: this.holdKey, insist: true };
    const answer = await this.ask("POST", `/v1/shows/${this.show}/holds`, options);
    if (answer.ok) this.hold = answer.data;
    return answer;
  }

  /** Keeps the hold; the answer, where it was asked about now. */
  touch() {
    if (!this.hold || Date.now() - this.renewed < RENEW_MS) return null;
    return this.renew();
  }

  /** Moves the end of the hold on. */
  renew() {
    this.renewed = Date.now();
    return this.ask("POST", `/v1/holds/${this.hold.hold}`, { insist: true });
  }

  /** Money back for what was received, in minor units; negative while it is not enough. */
  change(received) {
    return received - this.hold.total.minor;
  }

  /** The picture by which the guest pays by UPI, an SVG element, or null where the house has no UPI address. */
  async upiCode() {
    this.picture ??= this.ask("GET", `/v1/holds/${this.hold.hold}/upi.svg`, { text: true }).then(({ data }) =>
      data ? new DOMParser().parseFromString(data, "image/svg+xml").documentElement : null,
    );
    return this.picture;
  }

  /** What is asked for: `details` is what is known of the payment. Asked once, it is asked again word for word. */
  prepare(received, details) {
    const { minor, currency } = this.hold.total;
    const cash = this.tender === "cash" ? { received: { minor: Math.max(received, minor), currency } } : {};
    this.asked ??= { hold: this.hold.hold, tender: this.tender, ...cash, ...details };
  }

  /** Completes the sale; asking again after no answer is the same sale. */
  complete() {
    const options = { body: this.asked, key: this.key, insist: true };
    return this.ask("POST", `/v1/shows/${this.show}/sales`, options);
  }

  /** The sale that was made of the hold, if it was: `{ok, sale}`. */
  async find() {
    const answer = await this.ask("GET", `/v1/sales?hold=${this.hold.hold}`, { insist: true });
    return { ...answer, sale: answer.ok ? (answer.data.sales[0] ?? null) : null };
  }

  /** It is certain that it was refused: it may be asked for in other words. */
  correct() {
    this.asked = null;
  }

  /** Lets the seats go: what was asked for and has not come to a sale by then never will. */
  async release() {
    if (!this.hold) return { ok: true };
    return this.ask("DELETE", `/v1/holds/${this.hold.hold}`, { insist: true });
  }
}
