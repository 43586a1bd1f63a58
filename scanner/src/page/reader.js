// A scanner that types ("keyboard wedge"): wherever the focus is, a fast burst of keys is a ticket code. It ends in Enter or
// Tab, or, for scanners set up without one, in silence.

const FAST_MS = 80;
const SHORTEST = 12;
// From here on it is a scanner, and a hiccup of the device must not tear the code in two.
const HICCUP_MS = 600;
const TICKET = 120;
const SILENCE_MS = 120;

/** Calls `take(code)` for every burst; typing by hand into the field is left alone. */
export function listen(field, take) {
  let burst = "";
  let last = 0;
  let timer = 0;

  const finish = () => {
    clearTimeout(timer);
    const code = burst;
    burst = "";
    if (code.length < SHORTEST) return;
    field.value = "";
    take(code);
  };

  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // The time of the key, not of its handling: a busy page handles keys late.
    const gap = event.timeStamp - last;
    last = event.timeStamp;
    const goes_on = gap < (burst.length >= SHORTEST ? HICCUP_MS : FAST_MS);
    if ((event.key === "Enter" || event.key === "Tab") && goes_on && burst.length >= SHORTEST) {
      event.preventDefault();
      event.stopPropagation();
      return finish();
    }
    if (event.key.length !== 1) return;
    burst = goes_on ? burst + event.key : event.key;
    clearTimeout(timer);
    timer = setTimeout(finish, burst.length >= TICKET ? SILENCE_MS : HICCUP_MS);
  };
  document.addEventListener("keydown", onKey, true);
}
