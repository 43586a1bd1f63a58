// A deadline on the server's clock, told as minutes and seconds; spoken only at two minutes and at thirty seconds.

const SPOKEN = [120, 30];

/** Ticks until `deadline` (a Date in server time; `skew` is server minus device, ms). Returns a stop function. */
export function countdown(deadline, skew, { ontick, onsay, onend }) {
  let before = Infinity;
  let timer = 0;
  const tick = () => {
    // The server tells its time in whole seconds cut off, so that up to one second less is left than it seems.
    const left = Math.max(0, Math.floor((deadline.getTime() - Date.now() - skew) / 1000));
    ontick(`${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`, left);
    const due = SPOKEN.find((at) => left <= at && before > at);
    if (due && before !== Infinity) onsay(left > 60 ? `${Math.round(left / 60)} minutes left` : `${left} seconds left`);
    before = left;
    if (left === 0) onend();
    else timer = setTimeout(tick, 500);
  };
  tick();
  return () => clearTimeout(timer);
}
