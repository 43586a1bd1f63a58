// A scanner that types ("keyboard wedge"): wherever the focus is, a burst of keys is a ticket code. It ends in Enter or Tab, or,
// for scanners set up without one, in silence.

const SHORTEST = 12;
const TICKET = 120;
const SILENCE_MS = 200;
// A busy device delays keys; a pause as long as this is a new code all the same.
const PAUSE_MS = 600;
// Faster than anybody types.
const FAST_MS = 80;

/** Calls `take(code)` for every burst. What is typed by hand into the field is left to the field's own form. */
export function listen(field, take) {
  let burst = "";
  // What silence took for a whole code: keys that follow within a pause belong to it all the same.
  let cut = "";
  let last = 0;
  let timer = 0;

  const finish = () => {
    clearTimeout(timer);
    const typed = document.activeElement === field;
    const code = typed ? field.value : burst;
    const long = burst.length >= SHORTEST;
    burst = "";
    if (!long) return false;
    field.value = "";
    take(typed ? cut + code : code);
    cut = "";
    return true;
  };

  const silent = () => {
    const kept = burst;
    if (finish()) cut = kept;
  };

  const onKey = (event) => {
    // Whoever types into a dialog is no reader.
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("dialog")) return;
    const typing = event.target === field;
    // The time of the key, not of its handling.
    const gap = event.timeStamp - last;
    last = event.timeStamp;
    if (gap > PAUSE_MS) cut = "";
    if (gap > (typing ? FAST_MS : PAUSE_MS)) burst = "";
    if (event.key === "Enter" && typing) burst = "";
    else if ((event.key === "Enter" || event.key === "Tab") && burst.length >= SHORTEST) {
      event.preventDefault();
      event.stopPropagation();
      finish();
    } else if (event.key.length === 1) {
      if (burst === "" && !typing) [burst, cut] = [cut, ""];
      burst += event.key;
      clearTimeout(timer);
      timer = setTimeout(silent, burst.length >= TICKET ? SILENCE_MS : PAUSE_MS);
    }
  };
  document.addEventListener("keydown", onKey, true);
}
