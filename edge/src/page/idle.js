// A window that nobody is at locks itself. What was chosen stays for whoever comes back.

import { every } from "./api.js";

const LOOK_MS = 1000;

/** Calls `lock(title, text)` once nobody has touched the window for the time that the box says; `session()` is who is in, with that time. */
export function lockWhenIdle(session, lock) {
  let touched = Date.now();
  for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, () => (touched = Date.now()), { capture: true });
  every(LOOK_MS, () => {
    const minutes = session()?.lock_after_min;
    if (minutes && Date.now() - touched >= minutes * 60000) lock("Locked", "Nobody was at the keys. What was chosen is still here.");
  });
}
