// Counting a drawer: how many of each note and coin, and what that comes to.

import { el, money } from "./words.js";

/** Indian notes and coins in circulation, minor units. */
const FACES = [50_000, 20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100];
const CURRENCY = "INR";

/** The fields of a form that counts; its total is told while somebody types. */
export class Pieces {
  constructor(form) {
    this.total = form.querySelector(".total");
    this.fields = FACES.map((face) => {
      const attributes = { class: "input", type: "number", inputmode: "numeric", min: 0, max: 100_000, step: 1, placeholder: "0" };
      return { face, input: el("input", { ...attributes, "aria-label": `How many of ${money({ minor: face, currency: CURRENCY })}` }) };
    });
    const rows = this.fields.map(({ face, input }) =>
      el("div", { class: "piece" }, this.#more(face, input), el("span", { "aria-hidden": "true" }, "×"), input),
    );
    form.querySelector(".pieces").replaceChildren(...rows);
    form.addEventListener("input", () => this.#tell());
    this.#tell();
  }

  /** What was counted, as the box takes it. */
  counted() {
    const filled = this.fields.filter(({ input }) => Number(input.value) > 0);
    return filled.map(({ face, input }) => ({ face_minor: face, count: Number(input.value) }));
  }

  /** Empties all fields. */
  clear() {
    this.fields.forEach(({ input }) => (input.value = ""));
    this.#tell();
  }

  // Counting by hand: one press a note.
  #more(face, input) {
    const word = money({ minor: face, currency: CURRENCY });
    const onclick = () => {
      input.value = Number(input.value) + 1;
      this.#tell();
    };
    return el("button", { class: "button slim figures", type: "button", tabindex: -1, "aria-label": `One more of ${word}`, onclick }, word);
  }

  #tell() {
    const minor = this.counted().reduce((sum, { face_minor, count }) => sum + face_minor * count, 0);
    this.total.textContent = `Counted: ${money({ minor, currency: CURRENCY })}`;
  }
}
