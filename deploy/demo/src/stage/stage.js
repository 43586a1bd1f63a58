// The stage: panes, switches, truth, tape. It knows only addresses; everything in the panes is the real thing.

import { every, request } from "./api.js";
import { reachable, showFrame } from "./frame.js";
import { askTickets, present } from "./pane.js";
import { showTape } from "./tape.js";
import { collect, inHand } from "./tray.js";
import { showTruth } from "./truth.js";
import { el } from "./words.js";

const HOUSE_MS = 1500;
const TRUTH_MS = 1500;
const TAPE_MS = 1000;
const ASK_MS = 700;
const CUTS = [
  ["clean", "Clean", "Nothing passes"],
  ["up_only", "Up only", "What the theatre says arrives; what it should hear vanishes"],
  ["down_only", "Down only", "What the theatre should hear arrives; what it says vanishes"],
  ["latency", "30 s late", "Everything arrives, 30 seconds later each way"],
];
const LINKS = {
  live: "Live",
  suspect: "Suspect",
  locked_down: "Locked down",
  reconciling: "Reconciling",
  unreachable: "No answer",
};

const byId = (id) => document.getElementById(id);
const frames = new Map();
let built = false;

async function look() {
  const answer = await request("GET", "/api/house", { patience: 8000 });
  if (answer.ok) show(answer.data);
}

function show(house) {
  if (!built) build(house);
  for (const theatre of house.theatres) {
    const pane = byId(`counter-${theatre.number}`);
    const link = pane.querySelector(".link-state");
    link.dataset.link = theatre.link;
    link.textContent = LINKS[theatre.link] ?? theatre.link;
    pane.dataset.cut = theatre.cut ?? "";
    for (const button of pane.querySelectorAll("[data-cut-mode]")) {
      button.setAttribute("aria-pressed", String(button.dataset.cutMode === theatre.cut));
    }
  }
  for (const button of document.querySelectorAll("[data-house]")) {
    button.setAttribute("aria-pressed", String(house.cut === button.dataset.house));
  }
  byId("heal").classList.toggle("wanted", house.cut !== null || house.theatres.some((theatre) => theatre.cut !== null));
}

function build(house) {
  built = true;
  const city = encodeURIComponent(house.theatres[0]?.city ?? "");
  frame("customer", `${house.customer.replace(/\/$/, "")}/?city=${city}`, "Customer");
  const cashier = house.staff.find((one) => one.role === "cashier");
  for (const theatre of house.theatres) {
    byId("counters").append(counterPane(theatre, cashier));
    frame(`counter-${theatre.number}`, theatre.counter, `Counter of ${theatre.name}`);
    const grid = el("div", { class: "door-grid" });
    byId("doors").append(el("h3", {}, theatre.name), grid);
    theatre.doors.forEach((door, at) => {
      const name = `door-${theatre.number}-${at + 1}`;
      grid.append(doorPane(theatre, door, name));
      frame(name, door.url, `${door.name} of ${theatre.name}`);
    });
  }
}

function frame(name, url, title) {
  const address = reachable(url);
  frames.set(name, showFrame(byId(name).querySelector(".frame"), address, title));
  document.querySelector(`[data-open="${name}"]`)?.setAttribute("href", address);
}

function counterPane(theatre, cashier) {
  const { number, name } = theatre;
  const cuts = CUTS.map(([mode, word, title]) => {
    const onclick = () => cut(number, mode);
    const attributes = { type: "button", class: "switch", "data-cut-mode": mode, "aria-pressed": "false", title, onclick };
    return el("button", attributes, word);
  });
  return el(
    "section",
    { class: "pane counter-pane", id: `counter-${number}`, "data-pane": `counter-${number}`, "aria-label": `Counter of ${name}` },
    el(
      "header",
      {},
      el("h2", {}, name),
      el("span", { class: "link-state", role: "status" }, "…"),
      cashier && el("span", { class: "quiet small pin" }, `name ${cashier.name} · PIN ${cashier.pin}`),
      keys(`counter-${number}`),
      el(
        "div",
        { class: "cuts", role: "group", "aria-label": `Cut the network of ${name}` },
        el("strong", {}, "Cut the network"),
        ...cuts,
      ),
    ),
    el("div", { class: "frame", "data-width": 1240 }),
  );
}

function doorPane(theatre, door, name) {
  const hold = () => {
    const ticket = inHand();
    if (ticket) present(frames.get(name), ticket.code);
  };
  return el(
    "section",
    { class: "pane door-pane", id: name, "aria-label": `${door.name} of ${theatre.name}` },
    el("header", {}, el("h4", {}, door.name), keys(name)),
    el("div", { class: "frame", "data-width": 420 }),
    el("button", { type: "button", class: "present", disabled: true, onclick: hold }, "Hold ticket here"),
  );
}

function keys(name) {
  return el(
    "span",
    { class: "pane-keys" },
    el("button", { type: "button", "data-reload": name, "aria-label": "Load again" }, "↻"),
    el("a", { "data-open": name, target: "_blank", rel: "noreferrer", "aria-label": "Open in its own window" }, "↗"),
  );
}

async function change(url, body, said) {
  const answer = await request("POST", url, { body, patience: 30000 });
  byId("said").textContent = answer.ok ? said : `${answer.problem.title}. ${answer.problem.detail}`;
  if (answer.ok && answer.data) show(answer.data);
  showTape();
}

const cut = (number, mode) => change(`/api/theatres/${number}/cut`, { mode }, `The line of theatre ${number} is cut`);

document.addEventListener("click", (event) => {
  const { reload, house, tab } = event.target.dataset;
  if (reload) frames.get(reload).src = frames.get(reload).src;
  if (house) change("/api/house/cut", { mode: house }, `${house} is down`);
  if (tab) openTab(tab);
});

byId("heal").addEventListener("click", () => change("/api/heal", {}, "All lines are open again"));

byId("tabs").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  const tabs = Array.from(byId("tabs").children);
  const to = tabs[(tabs.findIndex((one) => one === event.target) + step + tabs.length) % tabs.length];
  to.focus();
  openTab(to.dataset.tab);
});

function openTab(tab) {
  byId("main").dataset.tab = tab;
  for (const button of byId("tabs").children) button.setAttribute("aria-selected", String(button.dataset.tab === tab));
}

collect((ticket) => {
  for (const button of document.querySelectorAll(".present")) {
    button.disabled = !ticket;
    button.textContent = ticket ? `Hold ${ticket.seat} here` : "Hold ticket here";
  }
});

look();
showTruth();
showTape();
every(HOUSE_MS, look);
every(TRUTH_MS, showTruth);
every(TAPE_MS, showTape);
every(ASK_MS, () => frames.forEach(askTickets));
