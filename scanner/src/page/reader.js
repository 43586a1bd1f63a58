// A scanner that types ("keyboard wedge"): wherever the focus is, a burst of keys is a ticket code. It ends in Enter or Tab, or,
// for scanners set up without one, in silence.

const SHORTEST = 12;
const TICKET = 120;
const SILENCE_MS = 80;
// A busy device delays keys; a pause as long as this is a new code all the same.
const PAUSE_MS = 600;
// Faster than anybody types.
const FAST_MS = 80;

/** Calls `take(code)` for every burst. What is typed by hand into the field is left to the field's own form. */
export function listen(field, take) {
  let burst = "";
  let last = 0;
  let timer = 0;

  const finish = () => {
    clearTimeout(timer);
    const code = document.activeElement === field ? field.value : burst;
    const long = burst.length >= SHORTEST;
    burst = "";
    if (!long) return;
    field.value = "";
    take(code);
  };

  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target === field;
    // The time of the key, not of its handling.
    const gap = event.timeStamp - last;
    last = event.timeStamp;
    if (gap > (typing ? FAST_MS : PAUSE_MS)) burst = "";
    if (event.key === "Enter" && typing) burst = "";
    else if ((event.key === "Enter" || event.key === "Tab") && burst.length >= SHORTEST) {
      event.preventDefault();
      event.stopPropagation();
      finish();
    } else if (event.key.length === 1) {
      burst += event.key;
      clearTimeout(timer);
      timer = setTimeout(finish, burst.length >= TICKET ? SILENCE_MS : PAUSE_MS);
    }
  };
  document.addEventListener("keydown", onKey, true);
}
