// The house's page: who is in, and which parts are theirs.

import { request } from "./api.js";
import { Answered } from "./answered.js";
import { watchLink } from "./badge.js";
import { lockWhenIdle } from "./idle.js";
import { Letters } from "./letters.js";
import { Login, asking } from "./login.js";
import { Opening } from "./opening.js";
import { People } from "./people.js";
import { Printers } from "./printers.js";
import { Settling } from "./settling.js";
import { Unknown } from "./unknown.js";
import { Unwitnessed } from "./unwitnessed.js";
import { WayOut } from "./wayout.js";
import { Withheld } from "./withheld.js";
import { Witness } from "./witness.js";

const MAY = ["supervisor", "manager"];
const byId = (id) => document.getElementById(id);

let session = null;
/** Signed in here and not at the counter: ends with this page, so that no cashier finds it open. */
let own = false;

const ask = asking(() => session, () => lock("Signed out", "The session is over. Sign in again."));
const login = new Login(byId("login"), (now) => enter(now, true), { keep: false });
const settling = new Settling(byId("settle"), ask, say);
const unwitnessed = new Unwitnessed(byId("unwitnessed"), ask);
const parts = [settling, new Answered(byId("answered"), ask), unwitnessed, new Withheld(byId("withheld"), ask, say), new Letters(byId("letters"), ask, say), new Printers(byId("printers"), ask)];
const unknown = new Unknown(byId("unknown"), ask, say);
const managers = [unknown, new WayOut(byId("wayout"), ask, say), new Witness(byId("witness"), ask, say), new People(byId("people"), ask, say)];
const opening = new Opening(byId("opening"), ask, () => {
  say("The box is open");
  // What was unsold is unknown from now on.
  unknown.refresh();
});

function enter(now, here) {
  if (!MAY.includes(now.role)) {
    if (here) request("DELETE", "/v1/session", { token: now.token });
    return login.open("It takes a supervisor or a manager", "Let one of them sign in here.");
  }
  [session, own] = [now, here];
  const manager = now.role === "manager";
  document.querySelectorAll("[data-managers]").forEach((part) => (part.hidden = !manager));
  byId("login").hidden = true;
  byId("parts").hidden = byId("lock").hidden = false;
  byId("lock").textContent = `${now.staff} · Lock`;
  byId("main").focus({ preventScroll: true });
  const loaded = [...parts, ...(manager ? managers : [])].map((part) => part.refresh());
  Promise.all(loaded).then(() => location.hash && byId(location.hash.slice(1))?.scrollIntoView());
}

function lock(title = "", text = "") {
  if (session) request("DELETE", "/v1/session", { token: session.token, keepalive: true });
  if (!own) sessionStorage.removeItem("session");
  session = null;
  byId("parts").hidden = byId("lock").hidden = true;
  login.open(title, text);
}

/** Tells everybody what was done, those who do not see it too. */
function say(text) {
  byId("said").textContent = text;
}

byId("lock").addEventListener("click", () => lock());
window.addEventListener("pagehide", () => own && session && lock());
watchLink(byId("badge"), (status) => {
  opening.update(status);
  settling.update(status);
  if (session) unwitnessed.update(status);
});
lockWhenIdle(() => session, lock);
const kept = login.kept();
if (kept && MAY.includes(kept.role)) enter(kept, false);
else login.open();
