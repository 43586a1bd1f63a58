// The counter: one window, one till. Keys work everywhere except while text is typed.

import { every, request } from "./api.js";
import { watchLink } from "./badge.js";
import { Board } from "./board.js";
import { Burst } from "./burst.js";
import { Closed } from "./closed.js";
import { Drawer } from "./drawer.js";
import { Hall } from "./hall.js";
import { lockWhenIdle } from "./idle.js";
import { keep, kept } from "./kept.js";
import { Login, asking } from "./login.js";
import { Prints } from "./printing.js";
import { Refunds } from "./refunds.js";
import { Till } from "./till.js";
import { WaitingVoids } from "./waiting.js";
import { el, notice } from "./words.js";

const SEATS_MS = 1500;
const SHOWS_MS = 10000;
const HOLD_MS = 5000;
const byId = (id) => document.getElementById(id);

let session = null;
/** How the line to central stood last. */
let line = null;
/** What was chosen before a reload. */
let basket = kept("basket");

const ask = asking(() => session, () => lock("Signed out", "The session is over. What was chosen is still here."));
const login = new Login(byId("login"), enter);
const hall = new Hall({ ask, onchoice: choose });
const prints = new Prints(byId("prints"), byId("second"), ask);
const refunds = new Refunds(byId("refunds"), byId("till-problem"), ask);
const voids = new WaitingVoids(byId("voids"), ask);
const till = new Till({ ask, who: () => session, focus: focusCounter, hall, prints, onvoid: () => voids.refresh() });
const board = new Board(byId("board"), { ask, onchoose: openShow, busy: () => till.busy, idle: () => till.idle });
const closed = new Closed(byId("closed"));
const burst = new Burst(lookForRead);
const drawer = new Drawer(byId("drawer"), byId("till-problem"), ask);

// --- signing in and out

async function enter(now) {
  session = now;
  for (const id of ["board", "hall", "till", "lock"]) byId(id).hidden = false;
  byId("lock").replaceChildren(`${session.staff} · Lock `, el("kbd", {}, "L"));
  focusCounter();
  till.show();
  await Promise.all([prints.open(), basket ? board.resume(basket.day, basket.show) : board.refresh()]);
  if (session === now) await Promise.all([till.resume(), voids.refresh(), refunds.refresh()]);
}

function lock(title = "", text = "") {
  prints.close();
  if (session) request("DELETE", "/v1/session", { token: session.token, keepalive: true });
  session = null;
  for (const id of ["board", "hall", "till", "lock"]) byId(id).hidden = true;
  login.open(title, text);
}

function focusCounter() {
  byId("main").focus({ preventScroll: true });
}

// --- shows and seats

async function refreshShows() {
  if (!session) return;
  await Promise.all([board.refresh(), voids.refresh(), refunds.refresh()]);
}

function openShow(show) {
  const before = basket?.show === show.id ? basket : null;
  basket = null;
  return hall.open(show, before);
}

async function refreshSeats() {
  if (session && !till.busy) await hall.refresh();
}

function choose(anew) {
  keep("basket", { day: board.day, ...hall.basket() });
  till.choose(anew);
}

function propose(step = 0) {
  if (till.busy) return;
  notice(byId("till-problem"));
  hall.propose(step);
}

function setWanted(number) {
  notice(byId("till-problem"));
  hall.setWanted(number);
}

// --- keys

/** A ticket was read without G. */
async function lookForRead(text) {
  if (till.busy) return notice(byId("till-problem"), "warn", "A ticket was read", "Finish this sale or leave it with Esc, then read the ticket again.");
  await till.askFind();
  await till.find(text);
}

async function leave(path) {
  await till.leaving;
  if (!till.busy) location.assign(path);
}

const KEYS = {
  b: () => propose(),
  n: () => propose(1),
  k: () => till.idle && till.take(),
  l: () => lock(),
  g: () => till.askFind(),
  w: () => till.askGroup(),
  a: () => till.stage === "tickets" && till.last.group && prints.again(till.last, "group"),
  h: () => leave("/house"),
  t: () => leave("/till"),
  x: () => leave("/till"),
  v: () => till.askVoid(),
  p: () => till.stage === "tickets" && prints.again(till.last),
  r: () => prints.act("retry"),
  o: () => prints.act("other"),
  s: () => prints.act("skip"),
  c: () => till.setTender("card"),
  u: () => till.setTender("upi"),
  f: () => till.setTender("complimentary"),
  m: () => till.setTender("cash"),
  d: () => drawer.ask(),
  "?": () => byId("help").showModal(),
  PageUp: () => board.step(-1),
  PageDown: () => board.step(1),
  Escape: () => till.escape(),
  Enter: () => ({ order: () => till.pay(), payment: () => till.sell(), tickets: () => propose(), void: () => byId("void-yes").form.requestSubmit(), find: () => byId("find").focus(), group: () => byId("people").form.requestSubmit() })[till.stage](),
};

function onKey(event) {
  till.sale?.touch();
  if (!session || document.querySelector("dialog[open]")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const typing = event.target.matches("input:not([type=radio], [type=checkbox])");
  const pressing = key === "Enter" && (typing || event.target.matches("button, a, summary"));
  // No amount and no card's digits hold a letter: there it is a command as anywhere else.
  const digits = typing && ["decimal", "numeric"].includes(event.target.inputMode);
  const choosing = digits && /^[a-z?]$/.test(key) && key in KEYS && event.target.type !== "password";
  // Into a field of words a reader types what is meant for it.
  if ((digits || !typing) && burst.takes(event) && !(digits && /^\d$/.test(key))) return event.preventDefault();
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (pressing || (typing && key !== "Escape" && !choosing)) return;
  if (!till.busy && /^\d$/.test(key)) setWanted(Number(key) || 10);
  else if (key.startsWith("Arrow") && till.idle && !event.target.matches("input")) hall.focus();
  else if (KEYS[key]) KEYS[key]();
  else return;
  event.preventDefault();
}

document.addEventListener("keydown", onKey);
byId("best").addEventListener("click", () => propose());
byId("next").addEventListener("click", () => propose(1));
byId("lock").addEventListener("click", () => lock());
byId("help-key").addEventListener("click", () => byId("help").showModal());

watchLink(byId("badge"), (status) => {
  byId("theatre").textContent = status.theatre.name;
  const open = status.link.discrepancies + status.door_discrepancies;
  byId("to-settle").textContent = open > 0 ? `: ${open} to settle` : "";
  byId("to-verify").textContent = status.slips > 0 ? `: ${status.slips} to verify` : "";
  closed.update(status);
  // How many seats are left here is another number once the line is cut, or back.
  if (line !== null && line !== status.link.state) refreshShows();
  line = status.link.state;
});
every(SEATS_MS, refreshSeats);
// A guest who pays by phone or card takes longer than a hold lasts: as long as somebody is signed in the seats stay held, up to its cap.
every(HOLD_MS, () => session && till.keepHold());
every(SHOWS_MS, refreshShows);
lockWhenIdle(() => session, lock);
const before = login.kept();
if (before) enter(before);
else login.open();
