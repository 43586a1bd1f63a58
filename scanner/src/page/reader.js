// A scanner that types ("keyboard wedge"): wherever the focus is, a fast burst of keys is a ticket code. It ends in Enter or
// Tab, or, for scanners set up without one, in silence.

const SILENCE_MS = 80;
const SHORTEST = 12;

/** Calls `take(code)` for every burst; typing by hand into the field is left alone. */
export function listen(field, take) {
  let burst = "";
  let last = 0;
  let timer = 0;

  const finish = (event) => {
    clearTimeout(timer);
    const code = burst;
    burst = "";
    if (code.length < SHORTEST) return;
    event?.preventDefault();
    field.value = "";
    take(code);
  };

  document.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const now = performance.now();
      const fast = now - last < SILENCE_MS;
      last = now;
      if ((event.key === "Enter" || event.key === "Tab") && fast && burst.length >= SHORTEST) {
        event.stopPropagation();
        return finish(event);
      }
      if (event.key.length !== 1) return;
      burst = fast ? burst + event.key : event.key;
      clearTimeout(timer);
      // Nobody types a code of this length at this speed.
      timer = setTimeout(finish, SILENCE_MS);
    },
    true,
  );
}
