// The settings are locked by a PIN when the device is handed over, and opened by it or by a supervisor. The program keeps the lock, so
// it holds over reloads and restarts and for every page. Scanning is never locked.

import { request } from "./api.js";

const PATIENCE_MS = 8000;
const byId = (id) => document.getElementById(id);
const isLocked = () => document.body.dataset.locked === "yes";

/** Shows the page as the lock stands. */
export function applyLock(locked) {
  if (locked === isLocked() && document.body.dataset.locked) return;
  document.body.dataset.locked = locked ? "yes" : "no";
  byId("lock-key").textContent = locked ? "Unlock" : "Lock";
  // Until the program has answered a page looks as it did before.
  localStorage.setItem("locked", locked ? "yes" : "no");
}

/** Wires the lock. */
export function listenToLock() {
  applyLock(localStorage.getItem("locked") === "yes");
  byId("lock-key").addEventListener("click", () => byId(isLocked() ? "unlock" : "lock").showModal());
  listen("lock", () => applyLock(true));
  listen("unlock", () => applyLock(false));
}

function listen(name, done) {
  byId(`${name}-form`).addEventListener("submit", async (event) => {
    event.preventDefault();
    const filled = Object.entries(Object.fromEntries(new FormData(event.target))).filter(([, value]) => value);
    const answer = await request("POST", `/v1/${name}`, { body: Object.fromEntries(filled), patience: PATIENCE_MS });
    event.target.elements.pin.value = "";
    byId(`${name}-fault`).textContent = answer.ok ? "" : (answer.problem?.detail ?? "This device's program does not answer.");
    if (!answer.ok) return;
    event.target.reset();
    byId(name).close();
    done();
  });
}
