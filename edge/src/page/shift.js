// The till's page: a shift from the counted float to its report, and what supervisors read of all of them.

import { request } from "./api.js";
import { backByEscape } from "./back.js";
import { watchLink } from "./badge.js";
import { Day } from "./day.js";
import { lockWhenIdle } from "./idle.js";
import { Login, asking } from "./login.js";
import { Once } from "./once.js";
import { Pieces } from "./pieces.js";
import { shiftReport } from "./report.js";
import { sheetOf } from "./sheet.js";
import { Slips } from "./slips.js";
import { AMOUNTS, typedAmount } from "./typed.js";
import { complain, el, money, notice } from "./words.js";

const OVERSEES = ["supervisor", "manager"];
const byId = (id) => document.getElementById(id);
const alertOf = (part) => part.querySelector("[role=alert]");

let session = null;
let shift = null;
/** The theatre and who gives its papers out. */
let house = { name: "", told: [] };

const ask = asking(() => session, () => lock("Signed out", "The session is over. Sign in again."));
const login = new Login(byId("login"), enter);
const [opening, moving, closing] = ["open a shift", "move cash", "close a shift"].map((name) => new Once(name, ask));
const own = byId("own");
const float = new Pieces(byId("open"));
const day = new Day(byId("day"), { ask });
const slips = new Slips(byId("slips"), { ask, say });
const counted = new Pieces(byId("close").querySelector("form"));

async function enter(now) {
  session = now;
  float.clear();
  byId("parts").hidden = byId("lock").hidden = false;
  byId("lock").textContent = `${now.staff} · Lock`;
  byId("reports").hidden = !OVERSEES.includes(now.role);
  byId("main").focus({ preventScroll: true });
  await Promise.all([showOwn(), OVERSEES.includes(now.role) && showAll(), OVERSEES.includes(now.role) && slips.show(), OVERSEES.includes(now.role) && day.show()]);
}

function lock(title = "", text = "") {
  if (session) request("DELETE", "/v1/session", { token: session.token, keepalive: true });
  session = null;
  byId("parts").hidden = byId("lock").hidden = true;
  login.open(title, text);
}

async function showOwn() {
  const answer = await ask("GET", "/v1/shifts");
  complain(alertOf(own), answer.problem);
  if (!answer.ok) return;
  show(answer.data.shifts.find((one) => one.staff === session.staff) ?? null);
}

/** Shows a shift that is open, or asks for the float of the next one. */
function show(now) {
  // What was typed before the answer came is not to be typed again.
  if (shift && !now) float.clear();
  shift = now;
  byId("open").hidden = now !== null;
  byId("cash").hidden = byId("close").hidden = now === null;
  const facts = own.querySelector(".facts");
  facts.replaceChildren(...(now ? [shiftReport(now), printKey(own)] : []));
}

async function showAll() {
  const [open, closed] = await Promise.all([ask("GET", "/v1/shifts"), ask("GET", "/v1/z")]);
  const part = byId("reports");
  complain(alertOf(part), open.problem ?? closed.problem);
  if (!open.ok || !closed.ok) return;
  const rows = [...open.data.shifts, ...closed.data.shifts].map((one) => {
    const summary = el("summary", {}, heading(one));
    const item = el("li", {});
    item.append(el("details", {}, summary, shiftReport(one), printKey(item)));
    return item;
  });
  const none = el("li", { class: "empty" }, "No shift yet. The first sale opens one, or a counted float.");
  part.querySelector("ol").replaceChildren(...(rows.length > 0 ? rows : [none]));
}

function heading(one) {
  if (one.z === null) return `X: ${one.staff}, shift ${one.shift}, open`;
  const { minor } = one.difference;
  const amount = money({ ...one.difference, minor: Math.abs(minor) });
  const off = minor === 0 ? "exact" : `${amount} ${minor < 0 ? "missing" : "too much"}`;
  return `Z ${one.z}: ${one.staff}, ${off}`;
}

/** A key that puts the report in `part` on paper, and nothing else of the page. */
function printKey(part) {
  const print = () => {
    part.classList.add("printed");
    window.print();
    part.classList.remove("printed");
  };
  return el("button", { class: "button slim", type: "button", onclick: print }, "Print");
}

byId("open").addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await opening.send("/v1/shifts", { float: float.counted() });
  if (!answer) return;
  complain(alertOf(own), answer.problem);
  if (!answer.ok) return;
  show(answer.data);
  say(`Shift ${answer.data.shift} is open`);
  byId("own-title").focus();
});

byId("cash").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const { direction, amount, reason } = Object.fromEntries(new FormData(form));
  const minor = typedAmount(amount);
  if (!minor) return notice(alertOf(form), "bad", "How much?", AMOUNTS);
  const moved = { minor, currency: shift.float.currency };
  const answer = await moving.send(`/v1/shifts/${shift.shift}/cash`, { direction, amount: moved, reason });
  if (!answer) return;
  complain(alertOf(form), answer.problem);
  if (!answer.ok) return;
  form.reset();
  show(answer.data);
  notice(alertOf(form), "good", `${money(moved)} ${direction}`, "Written down.");
});

byId("close")
  .querySelector("form")
  .addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await closing.send(`/v1/shifts/${shift.shift}/close`, { counted: counted.counted() });
    if (!answer) return;
    complain(alertOf(event.target), answer.problem);
    if (!answer.ok) return;
    counted.clear();
    byId("close").open = false;
    show(null);
    own.querySelector(".facts").replaceChildren(el("h3", {}, heading(answer.data)), shiftReport(answer.data), printKey(own));
    say(heading(answer.data));
    byId("own-title").focus();
    if (OVERSEES.includes(session.role)) showAll();
  });

byId("reports")
  .querySelector("form")
  .addEventListener("submit", async (event) => {
    event.preventDefault();
    const [file, date] = [event.submitter.value, event.target.elements.date.value];
    const answer = await fetch(`/v1/reports/${file}?date=${date}`, {
      headers: { authorization: `Bearer ${session.token}` },
    }).catch(() => null);
    if (!answer?.ok) return notice(alertOf(byId("reports")), "bad", "No report", "The box did not answer. Try again.");
    notice(alertOf(byId("reports")));
    if (event.submitter.name === "paper") {
      byId("sheet").replaceChildren(...sheetOf(file, date, house, await answer.text()));
      document.body.classList.add("on-paper");
      window.print();
      document.body.classList.remove("on-paper");
      return say(`${file} of ${date} is on its way to paper`);
    }
    const url = URL.createObjectURL(await answer.blob());
    el("a", { href: url, download: `${date}-${file}` }).click();
    URL.revokeObjectURL(url);
    say(`${file} of ${date} is saved`);
  });

byId("check").addEventListener("click", async () => {
  const answer = await ask("GET", "/v1/till/check");
  complain(alertOf(byId("reports")), answer.problem);
  if (!answer.ok) return;
  const { rows, tampered } = answer.data;
  const good = `All ${rows} rows are as they were written.`;
  byId("checked").textContent = tampered ? `Something was changed: ${tampered.text}.` : good;
});

/** Tells everybody what was done, those who do not see it too. */
function say(text) {
  byId("said").textContent = text;
}

byId("lock").addEventListener("click", () => lock());
byId("reports").querySelector("[name=date]").value = new Date().toLocaleDateString("en-CA");
watchLink(byId("badge"), (status) => {
  const { theatre, issuer } = status;
  const told = [issuer.legal_name, issuer.gstin && `GSTIN ${issuer.gstin}`, ...issuer.certificate].filter(Boolean);
  house = { name: theatre.name, told };
  byId("theatre").replaceChildren(el("strong", {}, theatre.name), ...told.map((line) => el("span", {}, line)));
});
lockWhenIdle(() => session, lock);
backByEscape();
const kept = login.kept();
if (kept) enter(kept);
else login.open();
