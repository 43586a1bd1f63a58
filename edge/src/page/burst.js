// A reader that types where nobody asked for a ticket: its letters press no keys of the counter, and what it read is told.

// Faster than anybody types, and slower than readers do.
const FAST_MS = 20;
const SILENCE_MS = 200;
// Whatever is shorter was typed, and what has no letter is no ticket.
const SHORTEST = 12;

/** Calls `found(text)` for what a reader has typed in a burst. */
export class Burst {
  constructor(found) {
    Object.assign(this, { found, last: -Infinity, timer: 0 });
    this.#begin();
  }

  /** Whether this key is a burst's, and no command. The first one is not known to be: it has done what it does. */
  takes(event) {
    if (event.key === "Shift") return false;
    const gap = event.timeStamp - this.last;
    this.last = event.timeStamp;
    if (gap > FAST_MS) this.#begin();
    if (["Enter", "Tab"].includes(event.key)) return this.#finish();
    if (event.key.length !== 1) {
      this.#begin();
      return false;
    }
    if (this.text === "") this.#remember(event.target);
    this.text += event.key;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#finish(), SILENCE_MS);
    return this.text.length > 1;
  }

  // What stood in a field of digits is put back: a ticket has digits too.
  #remember(target) {
    this.field = target.matches("input:not([type=radio], [type=checkbox])") ? target : null;
    this.before = this.field?.value ?? "";
  }

  #begin() {
    clearTimeout(this.timer);
    Object.assign(this, { text: "", field: null, before: "" });
  }

  #finish() {
    const { text, field, before } = this;
    this.#begin();
    if (text.length < SHORTEST || !/[a-z]/i.test(text)) return false;
    if (field) {
      field.value = before;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    this.found(text);
    return true;
  }
}
