// The list of checkboxes as the JSON of `/v1/shows/{id}/seats`, and back: one choice, two ways to make it.

import { seatWords } from "./seat.js";
import { money } from "./words.js";

/** What a seat that only the counter may sell is called here. */
export const ELSEWHERE = "at the counter only";

/** Reads the page into the shape of a seat map answer. */
export function readForm(form) {
  const categories = Array.from(form.querySelectorAll("[name=category][data-name]"), ({ dataset }) => ({
    name: dataset.name,
    price: { minor: Number(dataset.minor), currency: dataset.currency },
  }));
  const rows = Array.from(form.querySelectorAll("fieldset[data-row]"), (fieldset) => ({
    label: fieldset.dataset.row,
    seats: readRow(fieldset),
  }));
  return { categories, rows, link: form.dataset.link, version: form.dataset.version };
}

function readRow(fieldset) {
  const { row, c: category } = fieldset.dataset;
  let column = -1;
  return Array.from(fieldset.querySelectorAll("input"), ({ value, dataset }) => {
    // Only what differs from the seat to the left is written out.
    column = "x" in dataset ? Number(dataset.x) : column + 1;
    return {
      label: value,
      number: Number(value.slice(row.length)),
      column,
      category: Number(dataset.c ?? category),
      state: dataset.s ?? "free",
      accessible: "a" in dataset,
      by_claim: "k" in dataset,
    };
  });
}

/** Shows states and the choice in the list. */
export function writeForm(form, view, chosen) {
  const boxes = new Map(Array.from(form.querySelectorAll("fieldset[data-row] input"), (input) => [input.value, input]));
  for (const row of view.rows) {
    for (const seat of row.seats) {
      const input = boxes.get(seat.label);
      if (!input) continue;
      const mine = chosen.has(seat.label);
      const { name, price } = view.categories[seat.category];
      const words = seatWords(row.label, seat, name, money(price), mine ? "mine" : seat.state, ELSEWHERE);
      input.checked = mine;
      if (input.ariaLabel === words) continue;
      input.disabled = !mine && seat.state !== "free";
      input.setAttribute("aria-label", words);
      const word = input.nextSibling.nextSibling;
      if (input.disabled && !word) input.parentNode.append(Object.assign(document.createElement("i"), { textContent: " taken" }));
      if (!input.disabled) word?.remove();
    }
  }
}
