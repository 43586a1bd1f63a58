// A reader that types where nobody asked for a ticket: its letters press no keys of the counter, and what it read is told.

import { Wedge } from "./wedge.js";

// Faster than anybody types, and slower than readers do.
const FAST_MS = 20;
const SILENCE_MS = 200;
// Whatever is shorter was typed, and what has no letter is no ticket.
const SHORTEST = 12;
// Keys that a reader presses beside those of the code.
const HELD = ["Shift", "Alt", "Control", "CapsLock"];
const TICKET = /^[a-z2-7]+$/i;

/** Calls `found(text)` for what a reader has typed in a burst. */
export class Burst {
  constructor(found) {
    this.found = found;
    this.wedge = new Wedge({ pause: FAST_MS, silence: () => SILENCE_MS, silent: () => this.#finish() });
  }

  /** Whether this key is a burst's, and no command. The first one is not known to be: it has done what it does. */
  takes(event) {
    const what = this.wedge.press(event);
    if (what === "end") return this.#finish();
    if (what === "key") return this.wedge.run.count > 1;
    if (!HELD.includes(event.key)) this.wedge.begin(null);
    return false;
  }

  #finish() {
    const { text, keys, count, into, before } = this.wedge.run;
    this.wedge.begin(null);
    if (count < SHORTEST || !/[a-z]/i.test(text + keys)) return false;
    if (into) {
      // What stood in a field of digits is put back: a ticket has digits too.
      into.value = before;
      into.dispatchEvent(new Event("input", { bubbles: true }));
    }
    // On another layout than the reader believes in, only the places of its keys spell the ticket.
    this.found(TICKET.test(text) || !TICKET.test(keys) ? text : keys);
    return true;
  }
}
