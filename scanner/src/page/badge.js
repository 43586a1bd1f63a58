// How the door stands: its name and screens, how far "once" reaches, what is counted, and what was delivered after a drop.

import { request } from "./api.js";
import { applyLock } from "./lock.js";
import { guaranteeWords } from "./verdict.js";
import { count, el, span } from "./words.js";

const TOAST_MS = 8000;
const OFF = "declared off: let nobody in here until a manager declares it on or pairs it anew";
const UNVERIFIED = "The clock is not verified: look at the date on the ticket. This goes away once the box answers.";
const byId = (id) => document.getElementById(id);
const number = (value) => value.toLocaleString("en-IN");

// What was delivered before the scans that wait now, if any do.
let before = null;
let toastTimer = 0;
let last = null;

/** How the door stood when it was last looked at, as a verdict says it; nothing while the program does not answer. */
export function stands() {
  return last ?? { guarantee: "" };
}

/** Asks the program and writes it all down. */
export async function look() {
  const answer = await request("GET", "/v1/status", { patience: 4000 });
  const badge = byId("guarantee");
  last = answer.ok ? answer.data : null;
  if (!answer.ok) badge.dataset.level = "NONE";
  if (answer.problem?.code === "page_not_known") return badge.replaceChildren(el("strong", {}, "NOT KNOWN"), " open this page by the door's link");
  if (!answer.ok) return badge.replaceChildren(el("strong", {}, "NO ANSWER"), " this device's program does not answer; codes are kept");
  const { door, theatre, guarantee, data_age_s, queued, refused, admitted, counts, off, clock_verified } = answer.data;
  badge.dataset.level = off ? "NONE" : guarantee;
  applyLock(answer.data.locked);
  byId("door").textContent = door;
  byId("serves").textContent = serves(answer.data);
  byId("theatre").textContent = theatre.name;
  countAll(counts, admitted);
  byId("queued").textContent = number(queued);
  tell("refused", refused > 0 ? `${count(refused, "scan")} the box did not take: call the operator.` : "");
  tell("clock", clock_verified === false ? UNVERIFIED : "");
  const level = off ? "OFF" : guarantee;
  const words = off ? OFF : guaranteeWords(guarantee, data_age_s === undefined ? undefined : span(data_age_s));
  const text = `${level} ${words}`;
  if (badge.textContent !== text) badge.replaceChildren(el("strong", {}, level), ` ${words}`);
  document.title = `${door} · Usher`;
  deliver(answer.data);
}

// `Screens 1–3, 5 · 210 tickets`.
function serves({ screens, counts }) {
  const runs = [];
  for (const screen of screens) {
    const last = runs.at(-1);
    if (last && last[1] + 1 === screen) last[1] = screen;
    else runs.push([screen, screen]);
  }
  const named = runs.map(([from, to]) => (from === to ? from : `${from}–${to}`)).join(", ");
  const where = screens.length === 0 ? "All screens" : `Screen${screens.length === 1 ? "" : "s"} ${named}`;
  return counts.expected > 0 ? `${where} · ${number(counts.expected)} ticket${counts.expected === 1 ? "" : "s"}` : where;
}

function countAll(counts, admitted) {
  // Before the doors of any show are open there is nothing to expect.
  const open = counts.expected > 0;
  byId("admitted").textContent = number(open ? counts.inside : admitted);
  byId("expected").textContent = open ? ` / ${number(counts.expected)}` : "";
  byId("per-minute").textContent = number(counts.per_minute);
  byId("doors").textContent = counts.doors.map((one) => `${one.door} ${number(one.admitted)}`).join(" · ") || "–";
}

// A line that is there while something is wrong.
function tell(id, text) {
  byId(id).hidden = text === "";
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

// Says so once what had waited is with the box. A program that was started anew counts from nothing.
function deliver({ queued, delivered, conflicts }) {
  if (queued > 0) {
    before ??= { delivered, conflicts };
    if (delivered < before.delivered) before = { delivered: 0, conflicts: 0 };
    return;
  }
  if (!before) return;
  const since = delivered < before.delivered ? { delivered: 0, conflicts: 0 } : before;
  const [arrived, found] = [delivered - since.delivered, conflicts - since.conflicts];
  before = null;
  if (arrived > 0) toast(`${number(arrived)} delivered, ${count(found, "conflict")}`);
}

function toast(text) {
  byId("toast").textContent = text;
  byId("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (byId("toast").hidden = true), TOAST_MS);
}
