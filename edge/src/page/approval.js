// What a cashier may not do alone is allowed by a supervisor or manager, who types name and PIN into the cashier's own window.

import { el } from "./words.js";

/** The fields for whoever allows it; none for those who may do it alone. */
export function approval(role) {
  if (role !== "cashier") return [];
  const name = el("input", { class: "input", name: "approver", autocomplete: "off", autocapitalize: "none", required: true });
  const pin = el("input", { class: "input", name: "approver_pin", type: "password", inputmode: "numeric", autocomplete: "off", maxlength: 12, required: true });
  const field = (word, input) => el("label", { class: "field" }, el("span", {}, word), input);
  return [el("div", { class: "pair" }, field("Supervisor", name), field("Their PIN", pin))];
}

/** What the fields say, as a part of a request. */
export function approvedBy({ approver, approver_pin }) {
  return approver ? { approved_by: { staff: approver.trim(), pin: approver_pin } } : {};
}

/** Refusals after which the same form is right once it is corrected. */
export const CORRECTABLE = [
  "wrong_pin",
  "pin_locked",
  "approval_required",
  "role_not_allowed",
  "bad_slip",
  "bad_reason",
  "complimentary_limit",
];
