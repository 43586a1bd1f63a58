// Verdicts that came late: their guests have waited, so none may pass by unseen. They are listed, over reloads too, until somebody says
// that they were seen.

import { clockHere, count } from "./words.js";
import { wordsOf } from "./verdict.js";

const STORE = "late verdicts";
const SHOWN_MAX = 500;
// What has to be looked at first.
const ORDER = ["refuse", "unknown", "already", "out", "admit"];
const byId = (id) => document.getElementById(id);
const rank = ({ kind }) => ORDER.indexOf(kind);
const passes = ({ kind }) => kind === "admit" || kind === "out";

let list = restored();

/** Lists a late verdict. Returns whether it is the one to be shown large: none before it needs more looking at. */
export function listLate(verdict, { code = "", at = Date.now(), copies = 0 } = {}) {
  const named = verdict.seat ?? (code ? `code …${code.slice(-4)}` : "a code");
  const who = copies > 0 ? `${named}, read ${copies + 1} times, for one guest` : named;
  const one = { kind: verdict.verdict, words: verdict.words ?? wordsOf(verdict), who, at };
  const first = list.every((other) => rank(one) <= rank(other));
  list = [...list, one].slice(-SHOWN_MAX);
  save();
  draw();
  return first;
}

/** Whether a verdict is to be looked at that is more than a welcome. */
export function isHeld() {
  return list.some((one) => !passes(one));
}

/** Forgets welcomes that nobody has to look at any more. */
export function letGo() {
  if (isHeld() || list.length > 1) return;
  forget();
}

/** Wires the list; `seen` is called when somebody has looked. */
export function listenToLate(seen) {
  byId("late-key").addEventListener("click", () => {
    forget();
    byId("main").focus();
    seen();
  });
  draw();
}

function forget() {
  list = [];
  save();
  draw();
}

function draw() {
  // One welcome is seen on the whole screen.
  const hidden = list.length === 0 || (list.length === 1 && !isHeld());
  byId("late").hidden = hidden;
  if (hidden) return;
  const told = ["admit", "out"].map((kind) => [list.filter((one) => one.kind === kind).length, kind === "admit" ? "in" : "out"]);
  const stopped = list.filter((one) => !passes(one)).length;
  const parts = [...told, [stopped, "to look at"]].filter(([number]) => number > 0).map(([number, words]) => `${number} ${words}`);
  byId("late-text").textContent = `${count(list.length, "answer")} came late: ${parts.join(", ")}`;
  const rows = [...list].sort((one, other) => rank(one) - rank(other));
  byId("late-list").replaceChildren(...rows.map(row));
}

function row({ kind, words, who, at }) {
  const item = document.createElement("li");
  item.dataset.verdict = kind;
  const strong = Object.assign(document.createElement("strong"), { textContent: words });
  item.append(strong, ` ${who}, read ${clockHere(at)}`);
  return item;
}

function restored() {
  try {
    return JSON.parse(localStorage.getItem(STORE) ?? "[]").filter((one) => ORDER.includes(one?.kind));
  } catch {
    return [];
  }
}

function save() {
  try {
    localStorage.setItem(STORE, JSON.stringify(list));
  } catch {
    // It stays on the screen.
  }
}
