// The lane: codes that wait for their verdicts, first come first served. Each is kept, over reloads too, with the way its guest goes and
// the number under which it is asked about, so a code whose answer got lost is asked about again and lets nobody else in.

import { freshKey, pause, request } from "./api.js";

const STORE = "kept codes";
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

let kept = restored();
let asking = false;
let saved = true;
// The program does not know this page any more: nothing is answered until it is opened by the door's link.
let barred = false;

/** Takes a code in; `out` on the way out. Returns a verdict where it takes no more. */
export function keepCode(text, keys, out) {
  const code = text.trim().toUpperCase();
  if (!code || kept.some((one) => one.code === code && one.out === out)) return null;
  if (kept.length >= KEPT_MAX) return { ...UNCHECKED, words: "Lane full", text: `${KEPT_MAX} codes wait for their verdicts. This page takes no more.` };
  // Whoever comes while others wait, waits.
  const late = kept.some((one) => one.late);
  kept.push({ code, keys: keys === code ? undefined : keys, out, id: freshKey(), at: Date.now(), failures: 0, late });
  save();
  return null;
}

/** How many codes wait, whether they would outlive a reload, and whether the program does not know this page. */
export function waiting() {
  return { number: kept.length, saved, barred };
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
      save();
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

function restored() {
  try {
    const list = JSON.parse(localStorage.getItem(STORE) ?? "[]").filter((one) => typeof one?.code === "string");
    return list.map(({ code, keys, out, id, at }) => ({
      code,
      keys: typeof keys === "string" ? keys : undefined,
      out: out === true,
      id: /^[0-9a-f]{32}$/.test(id) ? id : freshKey(),
      at: Number(at) || Date.now(),
      failures: 0,
      late: true,
    }));
  } catch {
    // What cannot be read is no code.
    return [];
  }
}

function save() {
  try {
    localStorage.setItem(STORE, JSON.stringify(kept));
    saved = true;
  } catch {
    saved = false;
  }
}
