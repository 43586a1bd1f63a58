// The page of a booking: it asks how things stand until they are settled, and shows the server's new page in place.

import { every, request, requestUntilAnswered } from "./api.js";
import { calendarFile } from "./calendar.js";
import { pay } from "./checkout.js";
import { showTickets } from "./pane.js";
import { clockHere, complain, el } from "./words.js";

const POLL_MS = 2000;
const main = () => document.getElementById("main");
const booking = main().dataset.booking;

async function look() {
  if (main().dataset.settled === "true") return;
  const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
  if (!fresh || fresh.innerHTML === main().dataset.shown) return;
  main().replaceWith(fresh);
  dress();
}

function dress() {
  main().dataset.shown = main().innerHTML;
  for (const time of document.querySelectorAll("[data-clock]")) time.textContent = clockHere(time.dateTime);
  on("pay", payNow);
  on("cancel", cancel);
  on("print", () => window.print());
  on("calendar", (event) => calendarFile(event.target.dataset));
  if (document.getElementById("codes")) showCodes();
}

function on(id, act) {
  document.getElementById(id)?.addEventListener("click", act);
}

async function payNow(event) {
  const button = event.currentTarget;
  busy(button, true);
  const answer = await pay(booking);
  if (answer.ok) return location.assign(answer.go);
  busy(button, false);
  refuse(answer.problem);
}

async function cancel(event) {
  const button = event.currentTarget;
  busy(button, true);
  const answer = await requestUntilAnswered("POST", `/v1/bookings/${booking}/cancellation`, { body: {} });
  busy(button, false);
  if (!answer.ok) return refuse(answer.problem);
  main().dataset.settled = "false";
  await look();
  window.scrollTo({ top: 0 });
}

async function showCodes() {
  const answer = await request("GET", `/v1/bookings/${booking}/tickets`);
  if (!answer.ok) return;
  const title = document.querySelector(".ticket h2")?.textContent ?? "";
  const rows = answer.data.tickets.map(({ seat, code }) => {
    const copy = el("button", { class: "button slim", type: "button", onclick: () => navigator.clipboard?.writeText(code) }, "Copy");
    return el("p", {}, el("strong", {}, seat), el("code", {}, code), copy);
  });
  document.getElementById("code-texts")?.replaceChildren(...rows);
  showTickets(answer.data.tickets.map(({ seat, code }) => ({ seat, code, title })));
}

function busy(button, now) {
  button.setAttribute("aria-busy", String(now));
  button.disabled = now;
}

function refuse(problem) {
  complain(document.getElementById("problem"), problem);
}

dress();
every(POLL_MS, look);
