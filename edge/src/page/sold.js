// What is said of sales that were made: how each was paid, what its tickets are worth, what goes back.

import { money } from "./words.js";

/** Tenders as people call them. */
export const TENDERS = { cash: "Cash", card: "Card", upi: "UPI", complimentary: "Free", recovered: "Got back, payment not known" };

/** What a ticket is worth; nothing is said of a live one. */
export const STATES = { admitted: "Inside", void_requested: "Void asked for", void: "Void" };

/** What goes back for some tickets of a sale, in minor units. */
export function priceBack(sale, tickets) {
  return sale.tender === "complimentary" ? 0 : tickets.reduce((sum, { price }) => sum + price.minor, 0);
}

/** How a sale came about, in a line; nothing of one that was made just now. */
export function toldOf(sale) {
  if (!sale.sold_at) return "";
  const when = new Date(sale.sold_at).toLocaleString("en-IN", { dateStyle: "medium", timeStyle: "short" });
  const back = sale.change?.minor > 0 && `change ${money(sale.change)}`;
  return [TENDERS[sale.tender], back, sale.staff, when].filter(Boolean).join(", ");
}

/** What was paid, in a word. */
export function paid({ tender, total }) {
  return tender === "complimentary" ? "free" : money(total);
}
