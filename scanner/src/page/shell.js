// The page itself, kept by the browser's worker where it may have one: on this machine or over HTTPS.

/** What the camera needs where a page came by plain HTTP from another device. */
export const NEEDS_HTTPS =
  "Browsers use the camera on https pages only, and this one came by http. A hand scanner or typing works. For the camera the operator starts this door's program with --tls-cert and --tls-key and gives out its new link.";

/** Whether a reload shows the page again while the program does not answer. */
export function outlivesReload() {
  return Boolean(navigator.serviceWorker?.controller);
}

/** Has the page kept. A pane belongs to the page around it. */
export function keepPage() {
  if (!window.isSecureContext || window !== window.top) return;
  // Without it the page works as before.
  navigator.serviceWorker?.register("/worker.js").catch(() => null);
}
