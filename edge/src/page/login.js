// Signing in with name and PIN, by keyboard or pad. The session lasts over a reload of this window only.

import { request, requestUntilAnswered } from "./api.js";
import { keep, kept } from "./kept.js";
import { complain, el, notice } from "./words.js";

const KNOWN_MAX = 6;

/**
 * Sends in the name of whoever is in, `who()`; with `insist` until there is an answer. `over()` hears that their session is: what was
 * asked for whoever was in before ends nobody else's.
 */
export function asking(who, over) {
  return async (method, url, { insist = false, ...options } = {}) => {
    const asked = who();
    const answer = await (insist ? requestUntilAnswered : request)(method, url, { ...options, token: asked?.token });
    if (answer.status !== 401 || answer.problem.code !== "login_required") return answer;
    if (asked && asked === who()) over();
    return { ...answer, signedOut: true };
  };
}

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
    this.pin.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step || this.#known().length === 0) return;
      event.preventDefault();
      const names = this.#known();
      this.#choose(names.at((names.indexOf(this.staff.value) + step) % names.length));
    });
  }

  // Who was in at this window before, whoever was last first.
  #known() {
    if (!this.keep) return [];
    try {
      const names = JSON.parse(localStorage.getItem("known staff"));
      return Array.isArray(names) ? names : [];
    } catch {
      return [];
    }
  }

  #remember(name) {
    localStorage.setItem("known staff", JSON.stringify([name, ...this.#known().filter((other) => other !== name)].slice(0, KNOWN_MAX)));
  }

  #choose(name) {
    this.staff.value = name;
    this.#showKnown();
    this.pin.focus();
  }

  #showKnown() {
    const place = this.form.querySelector(".known");
    const names = this.#known();
    const button = (name) => el("button", { class: "button slim", type: "button", "aria-pressed": String(name === this.staff.value), onclick: () => this.#choose(name) }, name);
    place.hidden = names.length < 2;
    place.replaceChildren(...names.map(button), el("span", { class: "quiet" }, "or ", el("kbd", {}, "↓"), " in the PIN"));
  }

  /** The session left from before a reload, if it still holds. */
  kept() {
    const session = kept("session");
    return session && Date.parse(session.expires_at) > Date.now() ? session : null;
  }

  /** Shows the form, with the name last used here. */
  open(title = "", text = "") {
    if (this.keep) keep("session", null);
    this.form.hidden = false;
    this.staff.value = this.#known()[0] ?? "";
    this.#showKnown();
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
        this.#remember(body.staff);
        keep("session", answer.data);
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
