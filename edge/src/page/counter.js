// The counter: one window, one till. Keys work everywhere except while text is typed.

import { every, request } from "./api.js";
import { watchLink } from "./badge.js";
import { bestSeats, splitSeats } from "./best.js";
import { Board } from "./board.js";
import { Login } from "./login.js";
import { showTickets } from "./pane.js";
import { orderPanel, paymentPanel, receivedIn, ticketsPanel, voidPanel } from "./paper.js";
import { legend } from "./seat.js";
import { SeatMap } from "./seatmap.js";
import { Sale, voidSale } from "./till.js";
import { clock, complain, count, el, money, notice } from "./words.js";

const SEATS_MS = 1500;
const SHOWS_MS = 10000;
const ELSEWHERE = "sold online only";
const byId = (id) => document.getElementById(id);

let session = null;
let view = null;
let etag = null;
let wanted = 2;
let category = null;
let turn = 0;
/** What the till shows: `order`, `payment`, `tickets` or `void`. */
let stage = "order";
let sale = null;
let last = JSON.parse(sessionStorage.getItem("last sale") ?? "null");
let working = false;

const login = new Login(byId("login"), enter);
const board = new Board(byId("board"), (show) => openShow(show));
const map = new SeatMap(byId("map"), { elsewhere: ELSEWHERE, enter: false, whole: true, onchange: chosenByHand });

// --- signing in and out

function enter(now) {
  session = now;
  for (const id of ["board", "hall", "till", "lock"]) byId(id).hidden = false;
  byId("lock").replaceChildren(`${session.staff} · Lock `, el("kbd", {}, "L"));
  byId("main").focus({ preventScroll: true });
  showTill();
  refreshShows();
}

function lock(title = "", text = "") {
  if (session) request("DELETE", "/v1/session", { token: session.token, keepalive: true });
  session = null;
  for (const id of ["board", "hall", "till", "lock"]) byId(id).hidden = true;
  login.open(title, text);
}

async function ask(method, url, options = {}) {
  const answer = await request(method, url, { ...options, token: session?.token });
  if (answer.status === 401 && session) lock("Signed out", "The session is over. What was chosen is still here.");
  return answer;
}

// --- shows and seats

async function refreshShows() {
  if (!session) return;
  const answer = await ask("GET", "/v1/shows");
  if (answer.ok) board.update(answer.data.shows);
}

async function openShow(show) {
  if (stage === "payment") back();
  byId("show-title").textContent = show.movie.title;
  byId("show-facts").textContent = `${clock(show.starts_at)} · Screen ${show.screen}`;
  etag = null;
  category = null;
  map.chosen.clear();
  await refreshSeats();
  showKinds();
  propose();
}

async function refreshSeats() {
  if (!session || !board.chosen || stage === "payment") return;
  const show = board.chosen;
  const answer = await ask("GET", `/v1/shows/${show}/seats`, { etag });
  if (!answer.ok || show !== board.chosen) return;
  etag = answer.etag;
  view = answer.data;
  map.update(view);
  const states = new Set(view.rows.flatMap((row) => row.seats.map((seat) => seat.state)));
  if (view.rows.some((row) => row.seats.some((seat) => seat.by_claim))) states.add("claim");
  const order = ["free", "claim", "mine", "held", "sold", "unavailable", "withheld", "in_transit", "unknown"];
  byId("legend").replaceChildren(legend(order.filter((state) => states.has(state) || state === "mine"), "Sold online only"));
  byId("show-facts").textContent = facts(view);
}

function facts({ show, counts }) {
  const away = counts.unavailable ?? 0;
  const free = `${count(counts.free ?? 0, "seat")} free${away > 0 ? `, ${away} sold online only` : ""}`;
  return `${clock(show.starts_at)} · Screen ${show.screen} · ${free}`;
}

function showKinds() {
  const kinds = view?.categories ?? [];
  const kind = (value, word, checked) =>
    el("label", {}, el("input", { type: "radio", name: "kind", value, checked, onchange: () => chooseKind(value) }), el("span", {}, word));
  byId("kinds").hidden = kinds.length < 2;
  byId("kinds").replaceChildren(kind("", "Any", true), ...kinds.map((one, i) => kind(String(i), `${one.name} ${money(one.price)}`, false)));
}

function chooseKind(value) {
  category = value === "" ? null : Number(value);
  propose();
  byId("main").focus({ preventScroll: true });
}

function propose(step = 0) {
  if (!view || stage === "payment") return;
  turn = step === 0 ? 0 : turn + step;
  map.limit = wanted;
  const proposals = bestSeats(view, wanted, category);
  const together = proposals[turn % Math.max(1, proposals.length)];
  map.choose(together ?? splitSeats(view, wanted, category));
  map.reveal();
  byId("proposal").textContent = together ? `${turn === 0 ? "Best" : "Next best"} ${count(wanted, "seat")}` : map.chosen.size > 0 ? "Not together any more" : "Not that many free here";
  stage = "order";
  showTill();
}

function chosenByHand(labels, lost) {
  byId("proposal").textContent = lost.length > 0 ? `${lost.join(", ")} went to somebody else` : "Chosen by hand";
  if (stage === "order") showTill();
}

function setWanted(number) {
  wanted = number;
  byId("wanted").querySelectorAll("input").forEach((input) => (input.checked = Number(input.value) === number));
  propose();
}

// --- the till

function showTill() {
  const panels = {
    order: () => orderPanel(view ? map.choice() : [], pay),
    payment: () => paymentPanel(sale, { pay: sell, back, tender: setTender }),
    tickets: () => ticketsPanel(last, { next: () => propose(), print: () => window.print(), void: askVoid }),
    void: () => voidPanel(last, { yes: voidLast, no: keepSale }),
  };
  byId("till-title").textContent = { order: "Sale", payment: "Payment", tickets: "Sold", void: "Void" }[stage];
  byId("till").dataset.stage = stage;
  byId("till-body").replaceChildren(panels[stage]());
}

async function pay() {
  if (map.chosen.size === 0 || working) return;
  await alone(async () => {
    const next = new Sale(board.chosen, map.choice().map((seat) => seat.label), session.token);
    map.mine = true;
    const answer = await next.open();
    complain(byId("till-problem"), answer.problem);
    if (!answer.ok) {
      map.mine = false;
      if (answer.status === 401) return lock("Signed out", "The session is over. What was chosen is still here.");
      await refreshSeats();
      if (answer.status === 409) propose();
      return;
    }
    sale = next;
    stage = "payment";
    showTill();
    byId("received").select();
  });
}

function setTender(tender) {
  sale.tender = tender;
  showTill();
  if (tender === "cash") byId("received").select();
  else byId("sell").focus();
}

async function sell(event) {
  event?.preventDefault();
  const received = receivedIn(byId("received")?.value ?? "0");
  if (sale.tender === "cash" && !sale.asked && sale.change(received) < 0) {
    notice(byId("till-problem"), "bad", "Not enough", `${money({ ...sale.hold.total, minor: -sale.change(received) })} missing.`);
    return byId("received").select();
  }
  await alone(async () => {
    byId("sell").setAttribute("aria-busy", "true");
    const answer = await sale.complete(received);
    complain(byId("till-problem"), answer.problem);
    byId("sell")?.removeAttribute("aria-busy");
    if (answer.ok) return sold(answer.data);
    if (answer.status >= 400 && answer.status < 500) back();
  });
}

function sold(done) {
  last = done;
  sessionStorage.setItem("last sale", JSON.stringify(done));
  sale = null;
  map.mine = false;
  map.choose([]);
  stage = "tickets";
  showTill();
  byId("main").focus({ preventScroll: true });
  byId("said").textContent = `Sold ${done.lines.map((line) => line.seat).join(", ")}`;
  showTickets(done.tickets.map(({ seat, code }) => ({ seat, code, title: done.show.movie.title })));
  refreshSeats();
}

function back() {
  sale?.release();
  sale = null;
  map.mine = false;
  stage = "order";
  showTill();
  byId("main").focus({ preventScroll: true });
  setTimeout(refreshSeats, 150);
}

function askVoid() {
  if (!last || stage === "payment") return;
  stage = "void";
  showTill();
  byId("void-yes").focus();
}

function keepSale() {
  stage = "order";
  showTill();
  byId("main").focus({ preventScroll: true });
}

async function voidLast(event) {
  event.preventDefault();
  const answers = new FormData(event.target);
  const body = { reason: answers.get("reason"), paper_surrendered: answers.has("paper") };
  await alone(async () => {
    const answer = await voidSale(last.sale, body, session.token);
    complain(byId("till-problem"), answer.problem);
    if (!answer.ok) return;
    byId("proposal").textContent = answer.data.state === "voided" ? `${last.code} is void` : `${last.code}: the void was asked for and waits for the doors`;
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
  v: askVoid,
  p: () => stage === "tickets" && window.print(),
  c: () => stage === "payment" && setTender("card"),
  u: () => stage === "payment" && setTender("upi"),
  "?": () => byId("help").showModal(),
  PageUp: () => board.step(-1),
  PageDown: () => board.step(1),
  Escape: () => (stage === "payment" ? !working && !sale.asked && back() : keepSale()),
  Enter: () => ({ order: pay, payment: sell, tickets: () => propose(), void: () => {} })[stage](),
};

function onKey(event) {
  sale?.touch();
  if (!session || byId("help").open || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input:not([type=radio])");
  const pressing = event.key === "Enter" && event.target.matches("button, a, summary");
  const letter = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (pressing || (typing && !["Escape", "c", "u"].includes(letter)) || (typing && event.key === "Enter")) return;
  if (stage !== "payment" && /^\d$/.test(event.key)) setWanted(Number(event.key) || 10);
  else if (event.key.startsWith("Arrow") && stage === "order" && !event.target.matches("input")) map.focusSeat(map.choice()[0]?.label ?? view?.rows[0]?.seats[0]?.label);
  else if (KEYS[letter]) KEYS[letter]();
  else return;
  event.preventDefault();
}

document.addEventListener("keydown", onKey);
byId("wanted").addEventListener("change", (event) => setWanted(Number(event.target.value)));
byId("best").addEventListener("click", () => propose());
byId("next").addEventListener("click", () => propose(1));
byId("lock").addEventListener("click", () => lock());
byId("help-key").addEventListener("click", () => byId("help").showModal());
window.addEventListener("pagehide", () => sale?.release());

watchLink(byId("badge"), (status) => {
  byId("theatre").textContent = status.theatre.name;
});
every(SEATS_MS, refreshSeats);
every(SHOWS_MS, refreshShows);
const kept = login.kept();
if (kept) enter(kept);
else login.open();
