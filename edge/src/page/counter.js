// The counter: one window, one till. Keys work everywhere except while text is typed.

import { every, request } from "./api.js";
import { approvedBy, CORRECTABLE } from "./approval.js";
import { watchLink } from "./badge.js";
import { Board } from "./board.js";
import { Closed } from "./closed.js";
import { Hall } from "./hall.js";
import { Login } from "./login.js";
import { showTickets } from "./pane.js";
import { orderPanel, ticketsPanel, voidPanel } from "./paper.js";
import { paymentDetails, paymentPanel, receivedIn } from "./payment.js";
import { Prints } from "./printing.js";
import { Sale, voidSale } from "./till.js";
import { complain, el, money, notice } from "./words.js";

const SEATS_MS = 1500;
const SHOWS_MS = 10000;
const TITLES = { order: "Sale", payment: "Payment", tickets: "Sold", void: "Void" };
const byId = (id) => document.getElementById(id);

let session = null;
/** What the till shows: `order`, `payment`, `tickets` or `void`. */
let stage = "order";
let sale = null;
let last = JSON.parse(sessionStorage.getItem("last sale") ?? "null");
let working = false;

const login = new Login(byId("login"), enter);
const hall = new Hall({ ask, onchoice: showOrder });
const board = new Board(byId("board"), openShow);
const closed = new Closed(byId("closed"));
const prints = new Prints(byId("prints"), byId("second"), ask);

// --- signing in and out

function enter(now) {
  session = now;
  for (const id of ["board", "hall", "till", "lock"]) byId(id).hidden = false;
  byId("lock").replaceChildren(`${session.staff} · Lock `, el("kbd", {}, "L"));
  focusCounter();
  showTill();
  prints.open();
  refreshShows();
}

function lock(title = "", text = "") {
  prints.close();
  if (session) request("DELETE", "/v1/session", { token: session.token, keepalive: true });
  session = null;
  for (const id of ["board", "hall", "till", "lock"]) byId(id).hidden = true;
  login.open(title, text);
}

async function ask(method, url, options = {}) {
  const answer = await request(method, url, { ...options, token: session?.token });
  if (answer.status === 401) signedOut();
  return answer;
}

function signedOut() {
  if (session) lock("Signed out", "The session is over. What was chosen is still here.");
}

function focusCounter() {
  byId("main").focus({ preventScroll: true });
}

// --- shows and seats

async function refreshShows() {
  if (!session) return;
  const answer = await ask("GET", "/v1/shows");
  if (answer.ok) board.update(answer.data.shows);
}

function openShow(show) {
  if (stage === "payment") back();
  return hall.open(show);
}

async function refreshSeats() {
  if (session && stage !== "payment") await hall.refresh();
}

/** Other seats are chosen: `anew` by a proposal, which also ends looking at the last sale. */
function showOrder(anew) {
  if (anew) stage = "order";
  if (stage === "order") showTill();
}

function propose(step = 0) {
  if (stage === "payment") return;
  notice(byId("till-problem"));
  hall.propose(step);
}

function setWanted(number) {
  notice(byId("till-problem"));
  hall.setWanted(number);
}

// --- the till

function showTill() {
  const panels = {
    order: () => orderPanel(hall.choice(), pay),
    payment: () => paymentPanel(sale, { pay: sell, back, tender: setTender, role: session.role }),
    tickets: () => ticketsPanel(last, { next: () => propose(), print: () => prints.again(last), void: askVoid }),
    void: () => voidPanel(last, { yes: voidLast, no: keepSale, role: session.role }),
  };
  byId("till-title").textContent = TITLES[stage];
  byId("till").dataset.stage = stage;
  byId("till-body").replaceChildren(panels[stage]());
}

async function pay() {
  const seats = hall.choice().map((seat) => seat.label);
  if (seats.length === 0) return;
  await alone(async () => {
    const next = new Sale(hall.show, seats, session.token);
    hall.keep(true);
    const answer = await next.open();
    complain(byId("till-problem"), answer.problem);
    if (answer.ok) {
      sale = next;
      stage = "payment";
      showTill();
      return byId("received").select();
    }
    hall.keep(false);
    if (answer.status === 401) return signedOut();
    await refreshSeats();
    if (answer.status === 409) hall.propose();
  });
}

function setTender(tender) {
  sale.tender = tender;
  showTill();
  if (tender === "cash") byId("received").select();
  else byId("till-body").querySelector(".field input").focus();
}

async function sell(event) {
  event?.preventDefault();
  const received = receivedIn(byId("received")?.value ?? "0");
  const change = sale.change(received);
  if (sale.tender === "cash" && !sale.asked && change < 0) {
    notice(byId("till-problem"), "bad", "Not enough", `${money({ ...sale.hold.total, minor: -change })} missing.`);
    return byId("received").select();
  }
  await alone(async () => {
    byId("sell").setAttribute("aria-busy", "true");
    const answer = await sale.complete(received, paymentDetails(sale.tender, byId("sell").form));
    complain(byId("till-problem"), answer.problem);
    byId("sell")?.removeAttribute("aria-busy");
    if (answer.ok) return sold(answer.data);
    if (CORRECTABLE.includes(answer.problem.code)) return sale.correct();
    if (answer.status >= 400 && answer.status < 500) back();
  });
}

function sold(done) {
  last = done;
  sessionStorage.setItem("last sale", JSON.stringify(done));
  sale = null;
  hall.keep(false);
  hall.sold(done.lines.map((line) => line.seat));
  stage = "tickets";
  showTill();
  focusCounter();
  prints.start(done);
  byId("said").textContent = `Sold ${done.lines.map((line) => line.seat).join(", ")}`;
  showTickets(done.tickets.map(({ seat, code }) => ({ seat, code, title: done.show.movie.title })));
  refreshSeats();
}

function back() {
  sale?.release();
  sale = null;
  hall.keep(false);
  keepSale();
  setTimeout(refreshSeats, 150);
}

function askVoid() {
  if (!last || stage === "payment") return;
  stage = "void";
  showTill();
  (byId("till-body").querySelector("[name=approver]") ?? byId("void-yes")).focus();
}

function keepSale() {
  stage = "order";
  showTill();
  focusCounter();
}

async function voidLast(event) {
  event.preventDefault();
  const answers = new FormData(event.target);
  const body = { reason: answers.get("reason"), paper_surrendered: answers.has("paper"), ...approvedBy(Object.fromEntries(answers)) };
  await alone(async () => {
    const answer = await voidSale(last.sale, body, session.token);
    complain(byId("till-problem"), answer.problem);
    if (!answer.ok) return;
    const done = answer.data.state === "voided";
    const text = done ? "Its seats are free again." : "It was asked for and waits for the doors.";
    notice(byId("till-problem"), done ? "good" : "warn", done ? `${last.code} is void` : `${last.code} is not void yet`, text);
    last = null;
    sessionStorage.removeItem("last sale");
    keepSale();
    await refreshSeats();
  });
}

// A second Enter while the first is under way must not become a second request.
async function alone(task) {
  if (working) return;
  working = true;
  try {
    await task();
  } finally {
    working = false;
  }
}

// --- keys

const KEYS = {
  b: () => propose(),
  n: () => propose(1),
  l: () => lock(),
  h: () => stage !== "payment" && location.assign("/house"),
  t: () => stage !== "payment" && location.assign("/till"),
  x: () => stage !== "payment" && location.assign("/till"),
  v: askVoid,
  p: () => stage === "tickets" && prints.again(last),
  r: () => prints.act("retry"),
  o: () => prints.act("other"),
  s: () => prints.act("skip"),
  c: () => stage === "payment" && setTender("card"),
  u: () => stage === "payment" && setTender("upi"),
  f: () => stage === "payment" && setTender("complimentary"),
  "?": () => byId("help").showModal(),
  PageUp: () => board.step(-1),
  PageDown: () => board.step(1),
  Escape: escape,
  Enter: () => ({ order: pay, payment: sell, tickets: () => propose(), void: () => {} })[stage](),
};

// Once a sale was asked for, its answer may still be under way: there is no way back from it, only to ask again.
function escape() {
  if (stage !== "payment") keepSale();
  else if (!working && !sale.asked) back();
}

function onKey(event) {
  sale?.touch();
  if (!session || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const typing = event.target.matches("input:not([type=radio], [type=checkbox])");
  const pressing = key === "Enter" && (typing || event.target.matches("button, a, summary"));
  const choosing = ["c", "u", "f"].includes(key) && event.target.id === "received";
  if (pressing || (typing && key !== "Escape" && !choosing)) return;
  if (stage !== "payment" && /^\d$/.test(key)) setWanted(Number(key) || 10);
  else if (key.startsWith("Arrow") && stage === "order" && !event.target.matches("input")) hall.focus();
  else if (KEYS[key]) KEYS[key]();
  else return;
  event.preventDefault();
}

document.addEventListener("keydown", onKey);
byId("best").addEventListener("click", () => propose());
byId("next").addEventListener("click", () => propose(1));
byId("lock").addEventListener("click", () => lock());
byId("help-key").addEventListener("click", () => byId("help").showModal());
window.addEventListener("pagehide", () => sale?.release());

watchLink(byId("badge"), (status) => {
  byId("theatre").textContent = status.theatre.name;
  const open = status.link.discrepancies + status.door_discrepancies;
  byId("to-settle").textContent = open > 0 ? `: ${open} to settle` : "";
  byId("to-verify").textContent = status.slips > 0 ? `: ${status.slips} to verify` : "";
  closed.update(status);
});
every(SEATS_MS, refreshSeats);
every(SHOWS_MS, refreshShows);
const kept = login.kept();
if (kept) enter(kept);
else login.open();
