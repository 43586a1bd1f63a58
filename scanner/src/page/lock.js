// The settings are locked when the device is handed over, and opened by a supervisor's PIN. Scanning is never locked.

import { request } from "./api.js";

const byId = (id) => document.getElementById(id);
const isLocked = () => localStorage.getItem("locked") === "yes";

function apply() {
  document.body.dataset.locked = isLocked() ? "yes" : "no";
  byId("lock-key").textContent = isLocked() ? "Unlock" : "Lock";
}

/** Wires the lock; it holds over reloads. */
export function listenToLock() {
  apply();
  byId("lock-key").addEventListener("click", () => {
    if (isLocked()) return byId("unlock").showModal();
    localStorage.setItem("locked", "yes");
    apply();
  });
  byId("unlock-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const { staff, pin } = Object.fromEntries(new FormData(event.target));
    const answer = await request("POST", "/v1/unlock", { body: { staff, pin }, patience: 8000 });
    event.target.elements.pin.value = "";
    byId("unlock-fault").textContent = answer.ok ? "" : (answer.problem?.detail ?? "The box does not answer.");
    if (!answer.ok) return;
    byId("unlock").close();
    localStorage.removeItem("locked");
    apply();
  });
}
