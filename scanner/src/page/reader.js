// A hand scanner at the door: wherever the focus is, a burst of keys is a ticket code. It ends in Enter or Tab, or, for scanners set up
// without one, in silence. Of what it was understood as and the places of its keys, this device's program knows which one is a code.

import { Wedge } from "./wedge.js";

const SHORTEST = 12;
const TICKET = 120;
const SILENCE_MS = 200;
// A busy device delays keys; a pause as long as this is a new code all the same.
const PAUSE_MS = 600;
// Faster than anybody types.
const FAST_MS = 80;
const NOTHING = { text: "", keys: "", count: 0 };

/** Calls `take(code, keys)` for every burst. What is typed by hand into the field is left to the field's own form. */
export function listen(field, take) {
  const silence = (count) => (count >= TICKET ? SILENCE_MS : PAUSE_MS);
  const wedge = new Wedge({ pause: PAUSE_MS, fast: FAST_MS, silence, silent: () => silent() });
  // What silence took for a whole code: keys that follow within a pause belong to it all the same.
  let cut = NOTHING;

  const finish = () => {
    const { text, keys, count, fast, into, before } = wedge.run;
    const inDialog = Boolean(into?.closest("dialog"));
    // Nobody types a whole ticket into a dialog, but a name is typed fast.
    const long = count >= TICKET || (!inDialog && (into === field ? fast : count) >= SHORTEST);
    wedge.begin(null);
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
    const { text, keys, count } = wedge.run;
    if (finish()) cut = { text, keys, count };
  };

  const onKey = (event) => {
    const what = wedge.press(event);
    if (wedge.gap > PAUSE_MS) cut = NOTHING;
    if (what === "end") {
      // One that comes after silence has taken its code is pressed by the reader too, and presses nothing.
      const late = wedge.run.count === 0 && cut.count > 0;
      if (!finish() && !late) return;
      event.preventDefault();
      event.stopPropagation();
    } else if (what === "key" && cut.count > 0) {
      wedge.goOn(cut);
      cut = NOTHING;
    }
  };
  document.addEventListener("keydown", onKey, true);
}
