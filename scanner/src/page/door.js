// The door: codes come in from a wedge scanner, the camera, the field or a pane; verdicts go out.

import { every, pause, request } from "./api.js";
import { look, stands } from "./badge.js";
import { cameraWorks, watch } from "./camera.js";
import { about, departed, goesOut, listenToKeys } from "./entry.js";
import { listenToSearch } from "./find.js";
import { listenToGroup, offer } from "./group.js";
import { keepCode, waiting, work } from "./lane.js";
import { isHeld, letGo, listLate, listenToLate } from "./late.js";
import { listenToLock } from "./lock.js";
import { onPresented } from "./pane.js";
import { listen } from "./reader.js";
import { keepPage, NEEDS_HTTPS, outlivesReload } from "./shell.js";
import { sound } from "./sound.js";
import { drawShape, levelWords, wordsOf } from "./verdict.js";
import { clockHere, count, el } from "./words.js";

const STATUS_MS = 2000;
const SHOWN_MS = { admit: 5000, out: 5000, waiting: 3000, already: 15000, unknown: 15000, refuse: 15000 };
// Company is counted before it is let in.
const GROUP_MS = 20_000;
// A verdict of a reader that is older than this was not seen when it was given.
const LATE_S = 3;

const byId = (id) => document.getElementById(id);
let idleTimer = 0;
let stopCamera = null;
// Until then what was said of a copy stands.
let calmUntil = 0;
// A late verdict that is no welcome is shown, and stays.
let held = false;

function take(text, keys) {
  const told = keepCode(text, keys, goesOut());
  if (told) show(told);
  if (told?.verdict === "waiting") calmUntil = Date.now() + SHOWN_MS.waiting;
  work(tell, showWaiting);
}

function tell(answer, scan) {
  const verdict = withCopies(verdictOf(answer, scan), scan);
  if (!scan.late) show(verdict, scan.code, scan.keys);
  else showLate(verdict, scan);
}

function verdictOf(answer, { out }) {
  return out && answer.data?.code !== "not_checked" ? departed(answer, "Out") : answer.data;
}

// Who stood there with a copy hears that this verdict is not theirs.
function withCopies(verdict, { copies }) {
  if (!copies || !["admit", "out"].includes(verdict.verdict)) return verdict;
  return { ...verdict, lines: [...(verdict.lines ?? []), `Read ${copies + 1} times: this is for one guest. A second one must be scanned again.`] };
}

function showLate(verdict, scan) {
  if (!listLate(verdict, scan)) return;
  show(verdict, scan.code, scan.keys);
  held = isHeld();
}

function show(verdict, code, keys) {
  const kind = verdict.verdict;
  held = false;
  about(verdict, code, keys);
  paint(kind, verdict.words ?? wordsOf(verdict), place(verdict), verdict.text);
  byId("first").textContent = verdict.first ? `First at ${clockHere(verdict.first.at)}, ${verdict.first.door}` : "";
  byId("lines").replaceChildren(...(verdict.lines ?? []).map((text) => el("li", {}, text)));
  byId("level").textContent = levelWords(verdict.guarantee ? verdict : stands());
  const waits = offer(verdict);
  sounds(kind);
  clearTimeout(idleTimer);
  idleTimer = setTimeout(showIdle, waits ? GROUP_MS : (SHOWN_MS[kind] ?? 8000));
  look();
}

function sounds(kind) {
  if (byId("sound-key").getAttribute("aria-pressed") === "true") sound(kind);
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
  byId("seat").replaceChildren(...(seat ? [el("strong", {}, seat), ` ${rest.join(" · ")}`] : []));
  byId("text").textContent = text;
  byId("first").textContent = "";
  byId("lines").replaceChildren();
  byId("level").textContent = "";
  offer({});
}

function showIdle() {
  if (waiting().number > 0) return showWaiting();
  if (held && isHeld()) return;
  letGo();
  // Whoever comes to the door sees which way its codes are read.
  if (goesOut()) paint("idle", "Way out", [], "Scan whoever goes out. Nobody is let in.");
  else paint("idle", "Ready", [], "Scan a ticket");
}

function showWaiting() {
  if (Date.now() < calmUntil) return;
  clearTimeout(idleTimer);
  const { number, saved, barred } = waiting();
  const gone = outlivesReload() ? "" : " Do not reload the page: it comes back only with the program.";
  const care = saved ? gone : " Do not reload the page: this browser keeps nothing.";
  const kept = `${count(number, "code")} kept, asking again. Let the guest wait.${care}`;
  const text = barred
    ? `This device's program does not know this page any more: open it again by the door's link. ${kept}`
    : `This device's program does not answer. ${kept}`;
  if (byId("main").dataset.verdict === "waiting") {
    byId("words").textContent = "Not checked yet";
    if (byId("text").textContent !== text) byId("text").textContent = text;
    return;
  }
  paint("waiting", "Not checked yet", [], text);
  sounds("waiting");
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
    const { verdict, age_s, read } = answer.data;
    if (!verdict) continue;
    if (age_s < LATE_S) show(verdict, read);
    else showLate(verdict, { code: read, at: Date.now() - 1000 * age_s });
  }
}

// A door that goes dark is a door that waits; where the browser has no such thing the tablet's own setting does it.
function stayAwake() {
  // A page within another one does not say when the screen may sleep.
  if (!document.hidden && window === window.top) navigator.wakeLock?.request("screen").catch(() => null);
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
  if (!window.isSecureContext) {
    byId("text").textContent = NEEDS_HTTPS;
    return;
  }
  if (stopCamera) return cameraOff();
  stopCamera = await watch(byId("camera"), take, (sees) => (byId("blind").hidden = sees), cameraOff).catch(() => null);
  if (!stopCamera) byId("text").textContent = "The camera is not allowed here. A hand scanner or typing works.";
  currentTarget.setAttribute("aria-pressed", String(stopCamera !== null));
});

function cameraOff() {
  stopCamera?.();
  stopCamera = null;
  byId("blind").hidden = true;
  byId("camera-key").setAttribute("aria-pressed", "false");
}

listen(byId("code"), take);
listenToKeys(show, showIdle);
listenToGroup(show);
listenToSearch();
listenToLock();
listenToLate(showIdle);
for (const key of document.querySelectorAll("[data-closes]")) {
  key.addEventListener("click", () => byId(key.dataset.closes).close());
}
watchReaders();
onPresented(take);
cameraWorks().then((works) => (byId("camera-key").hidden = window.isSecureContext && !works));
showIdle();
look();
every(STATUS_MS, look);
work(tell, showWaiting);
stayAwake();
keepPage();
document.addEventListener("visibilitychange", stayAwake);
