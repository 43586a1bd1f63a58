// From chosen seats to the payment page: hold, booking, payment. Every step has its own key, kept over reloads, so a
// step asked twice happens once.

import { freshKey, request, requestUntilAnswered } from "./api.js";

/** One customer's way through one show. */
export class Checkout {
  constructor(show) {
    this.show = show;
    this.kept = JSON.parse(sessionStorage.getItem(`checkout ${show}`) ?? "{}");
  }

  /** The hold that is still running, if any, with the clock difference (server minus device, ms). */
  running() {
    const { hold, skew } = this.kept;
    return hold && Date.parse(hold.expires_at) - Date.now() - skew > 1000 ? { hold, skew } : null;
  }

  /** Holds seats. */
  async hold(seats) {
    const answer = await requestUntilAnswered("POST", `/v1/shows/${this.show}/holds`, { body: { seats }, key: freshKey() });
    if (answer.ok) this.#keep({ hold: answer.data, skew: answer.skew });
    return answer;
  }

  /** Asks for more time. */
  async extend() {
    const answer = await request("POST", `/v1/holds/${this.kept.hold.hold}`);
    if (answer.ok) this.#keep({ ...this.kept, hold: answer.data, skew: answer.skew });
    return answer;
  }

  /** Lets the seats go. */
  async release() {
    const { hold } = this.kept;
    this.forget();
    if (hold) await request("DELETE", `/v1/holds/${hold.hold}`, { keepalive: true });
  }

  /** Books and creates the payment; the answer carries the address to go to. */
  async pay(contact) {
    const contactOf = contact.includes("@") ? { email: contact } : { phone: contact };
    const same = this.kept.contact === contact;
    this.#keep({ ...this.kept, contact, key: (same && this.kept.key) || freshKey() });
    const body = { hold: this.kept.hold.hold, contact: contactOf };
    const booked = await requestUntilAnswered("POST", "/v1/bookings", { body, key: this.kept.key });
    if (!booked.ok) return booked;
    const page = `/bookings/${booked.data.booking}`;
    if (booked.data.state !== "awaiting_payment") return { ok: true, go: page };
    return pay(booked.data.booking);
  }

  /** Forgets everything about this show. */
  forget() {
    this.kept = {};
    sessionStorage.removeItem(`checkout ${this.show}`);
  }

  #keep(kept) {
    this.kept = kept;
    sessionStorage.setItem(`checkout ${this.show}`, JSON.stringify(kept));
  }
}

/** Creates the payment of a booking, or finds the one already created. */
export async function pay(booking) {
  const name = `payment ${booking}`;
  const key = sessionStorage.getItem(name) ?? freshKey();
  sessionStorage.setItem(name, key);
  const answer = await requestUntilAnswered("POST", `/v1/bookings/${booking}/payments`, { key });
  // One that is still open is found again without its key; after one that is over the next attempt is a new one.
  if (answer.ok || (answer.status >= 400 && answer.status < 500)) sessionStorage.removeItem(name);
  return answer.ok ? { ...answer, go: answer.data.pay_url } : answer;
}
