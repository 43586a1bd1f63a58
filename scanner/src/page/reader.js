// A scanner that types ("keyboard wedge"): wherever the focus is, a burst of keys is a ticket code. It ends in Enter or Tab, or,
// for scanners set up without one, in silence.
//
// A scanner presses keys of the keyboard it believes in; what they mean here depends on this computer's layout. So a burst is told
// twice: as it was understood, and by the places of its keys. This device's program knows which of the two is a code.

const SHORTEST = 12;
const TICKET = 120;
const SILENCE_MS = 200;
// A busy device delays keys; a pause as long as this is a new code all the same.
const PAUSE_MS = 600;
// Faster than anybody types.
const FAST_MS = 80;
const NOTHING = { text: "", keys: "", count: 0 };
const WRITES = "input:not([type=checkbox]), textarea";
const PLACE = /^(?:Key|Digit|Numpad)([A-Z0-9])$/;

/** Calls `take(code, keys)` for every burst. What is typed by hand into the field is left to the field's own form. */
export function listen(field, take) {
  // What was typed without a pause, into what, and what stood there before.
  let run = { ...NOTHING, fast: 0, into: null, before: "" };
  // What silence took for a whole code: keys that follow within a pause belong to it all the same.
  let cut = NOTHING;
  let last = 0;
  let timer = 0;

  const begin = (into) => (run = { ...NOTHING, fast: 0, into, before: into?.value ?? "" });

  const finish = () => {
    clearTimeout(timer);
    const { text, keys, count, fast, into, before } = run;
    const inDialog = Boolean(into?.closest("dialog"));
    // Nobody types a whole ticket into a dialog, but a name is typed fast.
    const long = count >= TICKET || (!inDialog && (into === field ? fast : count) >= SHORTEST);
    begin(null);
    cut = NOTHING;
    if (!long) return false;
    // A reader that paused in the middle has the rest of its code in the field.
    const whole = into !== field || count >= TICKET;
    const [code, places] = whole ? [text, keys] : [field.value, undefined];
    if (into) into.value = inDialog ? before : "";
    take(code, places);
    return true;
  };

  const silent = () => {
    const { text, keys, count } = run;
    if (finish()) cut = { text, keys, count };
  };

  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const into = event.target.matches?.(WRITES) ? event.target : null;
    // The time of the key, not of its handling.
    const gap = event.timeStamp - last;
    last = event.timeStamp;
    if (gap > PAUSE_MS) cut = NOTHING;
    if (gap > PAUSE_MS || into !== run.into) begin(into);
    if (gap > FAST_MS) run.fast = 0;
    if (event.key === "Enter" || event.key === "Tab") {
      // One that comes after silence has taken its code is pressed by the reader too, and presses nothing.
      const late = run.count === 0 && cut.count > 0;
      if (!finish() && !late) return;
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const place = PLACE.exec(event.code)?.[1] ?? "";
    // Some layouts write two letters with one key, and dead keys none.
    const letters = event.key.length === 1 || /[^\x20-\x7e]/.test(event.key) ? event.key : "";
    if (!place && !letters) return;
    if (run.count === 0) run = { ...run, ...cut };
    cut = NOTHING;
    run.text += letters;
    run.keys += place;
    run.count += 1;
    run.fast += 1;
    clearTimeout(timer);
    timer = setTimeout(silent, run.count >= TICKET ? SILENCE_MS : PAUSE_MS);
  };
  document.addEventListener("keydown", onKey, true);
}
