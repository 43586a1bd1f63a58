// One sale at the till: seats held, money taken, tickets handed out. The sale's Idempotency-Key is made when the payment
// panel opens and reused until an answer came, so that a sale asked for twice happens once.

import { freshKey, request, requestUntilAnswered } from "./api.js";

const RENEW_MS = 30000;

/** One sale from the payment panel to the tickets. */
export class Sale {
  constructor(show, seats, token) {
    Object.assign(this, { show, seats, token, key: freshKey(), hold: null, tender: "cash", renewed: Date.now() });
  }

  /** Holds the seats before any money is on the table. */
  async open() {
    const options = { body: { seats: this.seats }, key: freshKey(), token: this.token };
    const answer = await requestUntilAnswered("POST", `/v1/shows/${this.show}/holds`, options);
    if (answer.ok) this.hold = answer.data;
    return answer;
  }

  /** Keeps the hold while somebody is at the keys. */
  touch() {
    if (!this.hold || Date.now() - this.renewed < RENEW_MS) return;
    this.renewed = Date.now();
    request("POST", `/v1/holds/${this.hold.hold}`, { token: this.token });
  }

  /** Money back for what was received, in minor units; negative while it is not enough. */
  change(received) {
    return received - this.hold.total.minor;
  }

  /** The picture by which the guest pays by UPI, an SVG element, or null where the house has no UPI address. */
  async upiCode() {
    this.picture ??= fetch(`/v1/holds/${this.hold.hold}/upi.svg`, { headers: { authorization: `Bearer ${this.token}` } })
      .then((answer) => (answer.ok ? answer.text() : null))
      .then((text) => text && new DOMParser().parseFromString(text, "image/svg+xml").documentElement)
      .catch(() => null);
    return this.picture;
  }

  /** Completes the sale; asking again after no answer is the same sale. `details` is what is known of the payment. */
  complete(received, details) {
    const { minor, currency } = this.hold.total;
    const cash = this.tender === "cash" ? { received: { minor: Math.max(received, minor), currency } } : {};
    const body = { hold: this.hold.hold, tender: this.tender, ...cash, ...details };
    // What was asked once is asked again word for word: another body under the same key would be refused.
    this.asked ??= body;
    return requestUntilAnswered("POST", `/v1/shows/${this.show}/sales`, { body: this.asked, key: this.key, token: this.token });
  }

  /** The sale was refused for what can be corrected: it may be asked for with another body. */
  correct() {
    this.asked = null;
  }

  /** Lets the seats go; not after the sale was asked for, whose answer may still be under way. */
  release() {
    if (this.hold && !this.asked) request("DELETE", `/v1/holds/${this.hold.hold}`, { token: this.token, keepalive: true });
  }
}

/** Voids a sale: `{reason, paper_surrendered, approved_by}`. Paper back in the till can meet no door, so nothing has to be waited for. */
export function voidSale(sale, body, token) {
  return requestUntilAnswered("POST", `/v1/sales/${sale}/void`, { body, key: freshKey(), token });
}
