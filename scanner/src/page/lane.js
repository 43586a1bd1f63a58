// The lane: codes that wait for their verdicts, first come first served. Each is kept, over reloads too, with the way its guest goes and
// the number under which it is asked about, so a code whose answer got lost is asked about again and lets nobody else in.

import { freshKey, pause, request } from "./api.js";
import { forget, restored, save } from "./kept.js";

const KEPT_MAX = 500;
const AGAIN_MS = 1000;
// A code on which the program fails so often is put aside: the next guest has waited long enough.
const FAILURES_MAX = 3;
// Whoever has waited so long for a verdict may have looked away.
const LATE_MS = 3000;
// The program ends, has more to do than it can or no room on its disk: that says nothing about the code.
const PASSING = [408, 429, 503];
// Of a departure this is an answer, of whatever else it is none.
const CONFLICT = 409;

let kept = allRestored();
let asking = false;
// The program does not know this page any more: nothing is answered until it is opened by the door's link.
let barred = false;

/** Takes a code in; `out` on the way out. Returns a verdict where it takes no more. One that waits already is asked about once, however
 * often it is read: most are read again because nothing happened. Its verdict says so. */
export function keepCode(text, keys, out) {
  const code = text.trim().toUpperCase();
  if (!code) return null;
  const copy = kept.find((one) => one.code === code && one.out === out);
  if (copy) {
    copy.copies += 1;
    save(copy);
    return copy.late ? { ...COPY, text: `The code …${code.slice(-4)} is kept and waits for its verdict, which lets one guest in.` } : null;
  }
  if (kept.length >= KEPT_MAX) return { ...UNCHECKED, words: "Lane full", text: `${KEPT_MAX} codes wait for their verdicts. This page takes no more.` };
  // Whoever comes while others wait, waits.
  const late = kept.some((one) => one.late);
  const scan = { code, keys: keys === code ? undefined : keys, out, id: freshKey(), at: Date.now(), copies: 0, failures: 0, late };
  kept.push(scan);
  save(scan);
  return null;
}

/** How many codes wait, whether they would outlive a reload, and whether the program does not know this page. */
export function waiting() {
  return { number: kept.length, saved: kept.every((one) => one.saved), barred };
}

/** Asks about every code in turn: the first scan of a ticket must be the first to be asked about. `tell(answer, scan)` is given each
 * answer, with `scan.late` where its guest has waited, and `wait()` is called while there is none. */
export async function work(tell, wait) {
  if (asking) return;
  asking = true;
  try {
    while (kept.length > 0) {
      const [scan] = kept;
      const answer = await ask(scan);
      if (!answer) {
        kept.forEach((one) => (one.late = true));
        attempt(wait);
        await pause(AGAIN_MS);
        continue;
      }
      kept.shift();
      forget(scan);
      // There is room for one that could not be kept.
      kept.filter((one) => !one.saved).forEach(save);
      scan.late ||= Date.now() - scan.at > LATE_MS;
      attempt(() => tell(answer, scan));
    }
  } finally {
    asking = false;
  }
}

// What goes wrong with one verdict must not keep the next one.
function attempt(task) {
  try {
    task();
  } catch (error) {
    console.error(error);
  }
}

// Nothing where it must be asked again.
async function ask(scan) {
  const { code, keys, id, out } = scan;
  const answer = out
    ? await request("POST", "/v1/departures", { body: { how: "out", code, keys, id }, patience: 5000 })
    : await request("POST", "/v1/scan", { body: { code, keys, id }, patience: 5000 });
  barred = answer.status === 401;
  if (answer.ok || (out && answer.status === CONFLICT)) return answer;
  if (barred || answer.status === 0 || PASSING.includes(answer.status)) return null;
  // Whatever is wrong is wrong with the asking, and nothing is known of the ticket.
  if (answer.status < 500) return unchecked(answer.problem.detail || answer.problem.title);
  scan.failures += 1;
  if (scan.failures < FAILURES_MAX) return null;
  scan.late = true;
  return unchecked("This device's program fails on this code: ask the manager.");
}

function unchecked(text) {
  return { ok: true, data: { ...UNCHECKED, text } };
}

const UNCHECKED = { verdict: "unknown", code: "not_checked", guarantee: "" };
const COPY = { verdict: "waiting", code: "", guarantee: "", words: "Waits already" };

function allRestored() {
  try {
    return restored();
  } catch {
    // A browser that keeps nothing has kept nothing.
    return [];
  }
}
