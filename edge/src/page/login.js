// Signing in with name and PIN, by keyboard or pad. The session lasts over a reload of this window only.

import { request } from "./api.js";
import { complain, notice } from "./words.js";

/** The sign-in form; `onin(session)` is called when somebody is in. Without `keep` nothing of it outlives the page. */
export class Login {
  constructor(form, onin, { keep = true } = {}) {
    Object.assign(this, { form, onin, keep });
    this.pin = form.elements.pin;
    this.staff = form.elements.staff;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    form.querySelector(".pad").addEventListener("click", (event) => {
      const digit = event.target.closest("[data-digit]")?.dataset.digit;
      if (digit === undefined) return;
      this.pin.value = digit === "" ? this.pin.value.slice(0, -1) : this.pin.value + digit;
    });
  }

  /** The session left from before a reload, if it still holds. */
  kept() {
    const session = JSON.parse(sessionStorage.getItem("session") ?? "null");
    return session && Date.parse(session.expires_at) > Date.now() ? session : null;
  }

  /** Shows the form, with the name last used here. */
  open(title = "", text = "") {
    if (this.keep) sessionStorage.removeItem("session");
    this.form.hidden = false;
    this.staff.value = this.keep ? (localStorage.getItem("staff") ?? "") : "";
    this.pin.value = "";
    // A counter that loads in a pane must not take the focus away from the page around it.
    if (window.parent === window || document.hasFocus()) (this.staff.value ? this.pin : this.staff).focus();
    notice(this.#problem(), "warn", title, text);
  }

  async #send() {
    const body = { staff: this.staff.value.trim(), pin: this.pin.value };
    const answer = await request("POST", "/v1/session", { body });
    this.pin.value = "";
    if (answer.ok) {
      if (this.keep) {
        localStorage.setItem("staff", body.staff);
        sessionStorage.setItem("session", JSON.stringify(answer.data));
      }
      notice(this.#problem());
      this.form.hidden = true;
      return this.onin(answer.data);
    }
    this.#refuse(answer);
    this.pin.focus();
  }

  #refuse({ problem, retryAfter }) {
    const place = this.#problem();
    if (problem.code === "wrong_pin") notice(place, "bad", "Wrong name or PIN", "Check the name and type the PIN again.");
    else if (problem.code !== "pin_locked") complain(place, problem);
    else notice(place, "bad", "Too many wrong PINs", `Wait ${retryAfter || "a few"} seconds, then try again.`);
  }

  #problem() {
    return this.form.querySelector("[role=alert]");
  }
}
