// A hand scanner that types ("keyboard wedge"): its keys, gathered into bursts.
//
// A scanner presses keys of the keyboard it believes in; what they mean here depends on this computer's layout. So a burst is told
// twice: as it was understood, and by the places of its keys. A scanner that was set up for any layout presses no letters at all but
// the number of each character, on the keypad with Alt held. One that ends in a line's sign instead of Enter presses Ctrl and J or M.

const NOTHING = { text: "", keys: "", count: 0 };
const WRITES = "input:not([type=checkbox], [type=radio]), textarea";
const PLACE = /^(?:Key|Digit|Numpad)([A-Z0-9])$/;
const DIGIT = /^(?:Digit|Numpad)([0-9])$/;
const LINE = /^Key[JM]$/;

/** A burst under way is `run`: what was typed as `text` and as `keys`, the `count` of its keys, how many of the last ones were `fast`,
 * into which field, and what stood there `before`. `gap` is the time since the key before. */
export class Wedge {
  /** A pause of `pause` ms begins another burst, keys within `fast` ms are fast, and `silent()` is called once no key has followed for
   * `silence(count)` ms. */
  constructor({ pause, fast = pause, silence, silent }) {
    Object.assign(this, { pause, fast, silence, silent, gap: 0, last: 0, timer: 0 });
    this.begin(null);
  }

  /** Forgets what was typed. */
  begin(into) {
    clearTimeout(this.timer);
    this.number = "";
    this.run = { ...NOTHING, fast: 0, into, before: into?.value ?? "" };
  }

  /** What was typed before, and taken for all of it, belongs in front. */
  goOn({ text, keys, count }) {
    const { run } = this;
    [run.text, run.keys, run.count] = [text + run.text, keys + run.keys, count + run.count];
    this.#wait();
  }

  /** What a key is to a burst: "key", "end", or nothing. The time is the key's, not that of its handling. */
  press({ key, code, target, timeStamp, ctrlKey, altKey, metaKey }) {
    const [control, numbers] = [ctrlKey && !altKey && !metaKey, altKey && !ctrlKey && !metaKey];
    const line = control && LINE.test(code);
    const digit = numbers ? (DIGIT.exec(code)?.[1] ?? "") : "";
    this.gap = 0;
    if ((ctrlKey || altKey || metaKey) && !line && !digit && !(numbers && key === "Alt")) return null;
    const into = target.matches?.(WRITES) ? target : null;
    this.gap = timeStamp - this.last;
    this.last = timeStamp;
    if (this.gap > this.pause || into !== this.run.into) this.begin(into);
    if (this.gap > this.fast) this.run.fast = 0;
    if (digit) {
      this.number += digit;
      this.#wait();
      return "key";
    }
    this.#spell();
    if (line || key === "Enter" || key === "Tab") return "end";
    const place = PLACE.exec(code)?.[1] ?? "";
    // Some layouts write two letters with one key, and dead keys none.
    const letters = key.length === 1 || /[^\x20-\x7e]/.test(key) ? key : "";
    if (!place && !letters) return null;
    this.#add(letters, place);
    this.#wait();
    return "key";
  }

  #add(letters, place) {
    this.run.text += letters;
    this.run.keys += place;
    this.run.count += 1;
    this.run.fast += 1;
  }

  // The number that was typed with Alt is a character's, of which a ticket has letters and digits only.
  #spell() {
    const letter = /^\d{1,4}$/.test(this.number) ? String.fromCharCode(Number(this.number)) : "";
    this.number = "";
    if (/^[A-Za-z0-9]$/.test(letter)) this.#add(letter, letter.toUpperCase());
  }

  #wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.#spell();
      this.silent();
    }, this.silence(this.run.count));
  }
}
