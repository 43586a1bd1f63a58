// Finding a booking again: both fields go to the server, and the page of the booking is opened.

import { request } from "./api.js";
import { complain, notice } from "./words.js";

const byId = (id) => document.getElementById(id);

byId("lookup").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [code, contact] = [byId("code"), byId("contact")];
  const empty = [code, contact].find((input) => input.value.trim() === "");
  for (const input of [code, contact]) input.setAttribute("aria-invalid", String(input === empty));
  if (empty) {
    notice(byId("problem"), "bad", empty === code ? "Write the booking’s code." : "Write the address or number you gave.");
    return empty.focus();
  }
  const given = contact.value.trim();
  const body = { code: code.value, contact: given.includes("@") ? { email: given } : { phone: given } };
  byId("find").disabled = true;
  const answer = await request("POST", "/v1/bookings/lookup", { body });
  byId("find").disabled = false;
  if (answer.ok) return location.assign(`/bookings/${answer.data.booking}`);
  if (answer.problem?.code !== "unknown_booking") return complain(byId("problem"), answer.problem);
  notice(byId("problem"), "bad", "No booking has this code and contact.", "Look at both once more; the code has eight characters.");
  code.focus();
});
