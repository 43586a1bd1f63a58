// The door: codes come in from a wedge scanner, the camera, the field or a pane; verdicts go out. A code whose verdict did not
// arrive is kept, over reloads too, and asked about under its number until it does.

import { every, freshKey, pause, request } from "./api.js";
import { cameraWorks, watch } from "./camera.js";
import { about, goesOut, letOut, listenToKeys } from "./entry.js";
import { listenToSearch } from "./find.js";
import { listenToGroup, offer } from "./group.js";
import { listenToLock } from "./lock.js";
import { onPresented } from "./pane.js";
import { listen } from "./reader.js";
import { sound } from "./sound.js";
import { drawShape, guaranteeWords, wordsOf } from "./verdict.js";
import { clockHere, count, span } from "./words.js";

const STATUS_MS = 2000;
const AGAIN_MS = 1000;
const SHOWN_MS = { admit: 5000, out: 5000, already: 15000, unknown: 15000, refuse: 15000 };
// Company is counted before it is let in.
const GROUP_MS = 20_000;
const KEPT_MAX = 500;

const byId = (id) => document.getElementById(id);
let kept = JSON.parse(localStorage.getItem("kept codes") ?? "[]");
let asking = false;
let idleTimer = 0;
let stopCamera = null;

function take(text) {
  const code = text.trim().toUpperCase();
  if (!code || kept.some((one) => one.code === code)) return;
  kept = [...kept, { code, id: freshKey() }].slice(-KEPT_MAX);
  keep();
  work();
}

function keep() {
  localStorage.setItem("kept codes", JSON.stringify(kept));
}

// One at a time and in order: the first scan of a ticket must be the first to be asked about.
async function work() {
  if (asking) return;
  asking = true;
  while (kept.length > 0) {
    const [scan] = kept;
    if (goesOut()) {
      kept = kept.slice(1);
      keep();
      show(await letOut(scan.code));
      continue;
    }
    const answer = await request("POST", "/v1/scan", { body: scan, patience: 5000 });
    if (answer.ok || (answer.status >= 400 && answer.status < 500)) {
      kept = kept.slice(1);
      keep();
      show(answer.ok ? answer.data : refused(answer.problem), scan.code);
    } else {
      showWaiting();
      await pause(AGAIN_MS);
    }
  }
  asking = false;
}

function refused(problem) {
  return { verdict: "refuse", code: problem.code, guarantee: "", text: problem.detail || problem.title };
}

function show(verdict, code) {
  const kind = verdict.verdict;
  about(verdict, code);
  paint(kind, verdict.words ?? wordsOf(verdict), place(verdict), verdict.text);
  byId("first").textContent = verdict.first ? `First at ${clockHere(verdict.first.at)}, ${verdict.first.door}` : "";
  byId("lines").replaceChildren(...(verdict.lines ?? []).map(line));
  const waits = offer(verdict);
  if (byId("sound-key").getAttribute("aria-pressed") === "true") sound(kind);
  clearTimeout(idleTimer);
  idleTimer = setTimeout(showIdle, waits ? GROUP_MS : (SHOWN_MS[kind] ?? 8000));
  look();
}

function place(verdict) {
  return [verdict.seat, verdict.screen && `Screen ${verdict.screen}`, verdict.show].filter(Boolean);
}

function paint(kind, words, [seat, ...rest], text) {
  const main = byId("main");
  main.dataset.verdict = kind;
  main.classList.remove("fresh");
  // Reading a size makes the browser notice the class is gone, so the flash runs for two equal verdicts in a row.
  void main.offsetWidth;
  main.classList.add("fresh");
  drawShape(byId("shape"), kind);
  byId("words").textContent = words;
  byId("seat").replaceChildren(...(seat ? [strong(seat), ` ${rest.join(" · ")}`] : []));
  byId("text").textContent = text;
  byId("first").textContent = "";
  byId("lines").replaceChildren();
  offer({});
}

function line(text) {
  return Object.assign(document.createElement("li"), { textContent: text });
}

function strong(text) {
  return Object.assign(document.createElement("strong"), { textContent: text });
}

function showIdle() {
  if (kept.length > 0) return showWaiting();
  paint("idle", "Ready", [], "Scan a ticket");
}

function showWaiting() {
  clearTimeout(idleTimer);
  if (byId("main").dataset.verdict === "waiting") return;
  const text = `This device's program does not answer. ${count(kept.length, "code")} kept, asking again. Let the guest wait.`;
  paint("waiting", "Not checked yet", [], text);
}

async function look() {
  const answer = await request("GET", "/v1/status", { patience: 4000 });
  const badge = byId("guarantee");
  badge.dataset.level = answer.ok ? answer.data.guarantee : "NONE";
  if (!answer.ok) return badge.replaceChildren(strong("NO ANSWER"), " this device's program does not answer; codes are kept");
  const { door, theatre, guarantee, data_age_s, queued, admitted, counts } = answer.data;
  byId("door").textContent = door;
  byId("theatre").textContent = theatre.name;
  countAll(counts, admitted);
  byId("queued").textContent = queued.toLocaleString("en-IN");
  const words = guaranteeWords(guarantee, data_age_s === undefined ? undefined : span(data_age_s));
  const text = `${guarantee} ${words}`;
  if (badge.textContent !== text) badge.replaceChildren(strong(guarantee), ` ${words}`);
  document.title = `${door} · Usher`;
}

function countAll(counts, admitted) {
  // Before the doors of any show are open there is nothing to expect.
  const open = counts.expected > 0;
  const text = (number) => number.toLocaleString("en-IN");
  byId("admitted").textContent = text(open ? counts.inside : admitted);
  byId("expected").textContent = open ? ` / ${text(counts.expected)}` : "";
  byId("per-minute").textContent = text(counts.per_minute);
  byId("doors").textContent = counts.doors.map((one) => `${one.door} ${text(one.admitted)}`).join(" · ") || "–";
}

// What a reader of this machine has read shows on every page that is open.
async function watchReaders() {
  let after;
  for (;;) {
    const answer = await request("GET", `/v1/verdicts${after === undefined ? "" : `?after=${after}`}`, { patience: 30_000 });
    if (!answer.ok) {
      await pause(2000);
      continue;
    }
    after = answer.data.n;
    if (answer.data.verdict) show(answer.data.verdict);
  }
}

byId("typed").addEventListener("submit", (event) => {
  event.preventDefault();
  take(byId("code").value);
  byId("code").value = "";
});
byId("sound-key").addEventListener("click", ({ currentTarget }) => {
  const on = currentTarget.getAttribute("aria-pressed") !== "true";
  currentTarget.setAttribute("aria-pressed", String(on));
  if (on) sound("admit");
});
byId("camera-key").addEventListener("click", async ({ currentTarget }) => {
  if (stopCamera) {
    stopCamera();
    stopCamera = null;
  } else {
    stopCamera = await watch(byId("camera"), take).catch(() => null);
    if (!stopCamera) byId("text").textContent = "The camera is not allowed here. A hand scanner or typing works.";
  }
  currentTarget.setAttribute("aria-pressed", String(stopCamera !== null));
});

listen(byId("code"), take);
listenToKeys(show);
listenToGroup(show);
listenToSearch();
listenToLock();
for (const key of document.querySelectorAll("[data-closes]")) {
  key.addEventListener("click", () => byId(key.dataset.closes).close());
}
watchReaders();
onPresented(take);
cameraWorks().then((works) => (byId("camera-key").hidden = !works));
showIdle();
look();
every(STATUS_MS, look);
work();
