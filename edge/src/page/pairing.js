// The manager's page: a link that pairs one door device, once.

import { request } from "./api.js";
import { watchLink } from "./badge.js";
import { el, notice } from "./words.js";

const form = document.getElementById("pairing");
const place = document.getElementById("link");
const problem = document.getElementById("problem");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { staff, pin, door } = Object.fromEntries(new FormData(form));
  const session = await request("POST", "/v1/session", { body: { staff, pin } });
  form.elements.pin.value = "";
  if (!session.ok) return notice(problem, "bad", session.problem.title, session.problem.detail);
  const made = await request("POST", "/v1/devices", { body: { name: door, kind: "scanner" }, token: session.data.token });
  if (!made.ok) return notice(problem, "bad", made.problem.title, made.problem.detail);
  notice(problem);
  const command = `usher-scanner pair '${made.data.pair_url}' --data DIR`;
  place.replaceChildren(
    el("div", { class: "card stack" },
      el("h2", {}, `${door} may pair now`),
      el("p", {}, "On the door device, once:"),
      el("p", {}, el("code", { class: "command" }, command)),
      el("p", { class: "quiet small" }, "The link works once. If it got lost, make another one."),
    ),
  );
});

watchLink(document.getElementById("badge"));
