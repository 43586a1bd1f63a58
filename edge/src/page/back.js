// The way back to the counter from the pages beside it, by the key that leads back everywhere.

/** Esc leaves a field, and from anywhere else leads back to the counter. */
export function backByEscape() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input, select, textarea")) event.target.blur();
    else location.assign("/");
  });
}
