// The papers of a sale: on their way, out, or in trouble. The sale stands before any of them is asked for.

import { pause } from "./api.js";
import { complain, el, notice } from "./words.js";

const LOOK_MS = 300;
const REASONS = {
  unreachable: "The printer does not answer.",
  paper_out: "The printer is out of paper.",
  cover_open: "The printer is open.",
  stuck: "The printer takes nothing.",
  cut_off: "The printer stopped in the middle.",
  box_restarted: "The box was started again meanwhile.",
  no_such_printer: "That printer is not set any more.",
  not_drawn: "The paper could not be drawn.",
};
const PAPERS = { tickets: "Tickets", receipt: "Receipt", group: "The group's paper" };

/** Asks for papers and shows what becomes of them. `dialog` asks who answers for a duplicate. */
export class Prints {
  constructor(place, dialog, ask) {
    Object.assign(this, { place, dialog, ask, printers: [], waiting: new Map(), failed: [], printed: false, turn: 0 });
  }

  /** Nobody is in: what is on its way is looked at again when somebody is. */
  close() {
    this.turn += 1;
  }

  /** Somebody is in: which printers there are, and what has failed before. */
  async open() {
    const [known, open] = await Promise.all([this.ask("GET", "/v1/printers"), this.ask("GET", "/v1/prints")]);
    if (known.ok) this.printers = known.data.printers;
    if (open.ok) this.#take(open.data.prints);
  }

  /** Prints what a sale needs, if there is a printer; what was printed already is not printed again. False without an answer. */
  async start(sale) {
    const papers = sale.group ? ["group", "receipt"] : ["tickets", "receipt"];
    const documents = papers.filter((one) => this.printers.some((printer) => printer.documents.includes(one)));
    for (const document of documents) {
      const answer = await this.ask("POST", `/v1/sales/${sale.sale}/prints`, { body: { documents: [document] } });
      if (answer.status === 0 || answer.signedOut) return false;
      if (answer.problem?.code !== "second_person_needed") this.#asked(answer);
    }
    return true;
  }

  /** Another sale begins: that the last one's papers are out is no news any more. */
  forget() {
    this.printed = false;
    this.#show();
  }

  /** The tickets of a sale once more, or for the first time where they are a document, or one paper for a whole group. */
  async again(sale, document = "tickets") {
    const printer = this.printers.some((one) => one.documents.includes(document)) ? undefined : "pdf";
    await this.#print(sale, { documents: [document], printer });
  }

  /** What a person does about the oldest failed print: `retry`, `other` or `skip`. */
  async act(what) {
    const print = this.failed[0];
    if (!print || this.working) return;
    this.working = true;
    const body = what === "skip" ? { do: "skip" } : { do: "retry", printer: what === "other" ? this.#other(print) : print.printer };
    const answer = await this.ask("POST", `/v1/prints/${print.print}`, { body });
    this.working = false;
    if (answer.ok) return this.#take([answer.data]);
    // Somebody else has done something about it.
    if (answer.status === 404 || answer.status === 409) this.failed = this.failed.filter((other) => other !== print);
    complain(this.place, answer.problem);
  }

  async #print(sale, body) {
    let answer = await this.ask("POST", `/v1/sales/${sale.sale}/prints`, { body });
    if (answer.problem?.code === "second_person_needed") {
      const second = await this.#second();
      if (!second) return;
      answer = await this.ask("POST", `/v1/sales/${sale.sale}/prints`, { body: { ...body, second } });
    }
    this.#asked(answer);
  }

  #asked(answer) {
    complain(this.place, answer.problem);
    if (this.waiting.size === 0) this.printed = false;
    if (answer.ok) this.#take(answer.data.prints);
  }

  /** Takes in how far prints have come, whichever sale they are of: one notice tells of all of them. */
  #take(prints) {
    for (const print of prints) {
      this.waiting.delete(print.print);
      this.failed = this.failed.filter((old) => old.print !== print.print);
      if (print.state === "waiting") this.waiting.set(print.print, print);
      else if (print.state === "failed") this.failed.push(print);
      else if (print.state === "printed") this.printed = true;
      if (print.state === "printed" && print.printer === "pdf") window.open(print.pdf, "_blank", "noopener");
    }
    this.#show();
    this.#follow();
  }

  /** Looks at what waits until nothing does. */
  async #follow() {
    const { turn } = this;
    if (this.following === turn) return;
    this.following = turn;
    while (this.waiting.size > 0) {
      await pause(LOOK_MS);
      if (turn !== this.turn) return;
      const looked = await Promise.all([...this.waiting.keys()].map((print) => this.ask("GET", `/v1/prints/${print}`)));
      if (turn !== this.turn) return;
      const ended = looked.filter((answer) => answer.ok && answer.data.state !== "waiting");
      if (ended.length > 0) this.#take(ended.map((answer) => answer.data));
    }
    this.following = null;
  }

  #show() {
    const [print] = this.failed;
    const [waiting] = this.waiting.values();
    if (print) {
      const more = this.failed.length > 1 ? ` ${this.failed.length} papers wait.` : "";
      const out = print.maybe_out ? " Some of it may be out: the next one says duplicate." : "";
      notice(this.place, "warn", `${PAPERS[print.document]} not printed`, `${REASONS[print.reason] ?? print.reason} The sale stands.${out}${more}`);
      const button = (word, key, act) =>
        el("button", { class: "button slim", type: "button", onclick: () => this.act(act) }, `${word} `, el("kbd", {}, key));
      const buttons = [button("Retry", "R", "retry"), button(this.#other(print).replace(/^pdf$/, "PDF"), "O", "other"), button("Skip", "S", "skip")];
      this.place.append(el("div", { class: "notes" }, ...buttons));
    } else if (waiting) notice(this.place, "", `Printing on ${waiting.printer} …`);
    else if (this.printed) notice(this.place, "good", "Printed");
    else notice(this.place);
  }

  /** The next printer that has paper for it; without one, a document. */
  #other(print) {
    const fit = this.printers.filter(({ documents }) => documents.includes(print.document)).map(({ name }) => name);
    const others = [...fit, "pdf"];
    return others[(others.indexOf(print.printer) + 1) % others.length];
  }

  #second() {
    const form = this.dialog.querySelector("form");
    form.reset();
    this.dialog.returnValue = "";
    this.dialog.showModal();
    return new Promise((resolve) => {
      const closed = () => {
        const { staff, pin } = form.elements;
        resolve(this.dialog.returnValue === "print" ? { staff: staff.value.trim(), pin: pin.value } : null);
        form.reset();
      };
      this.dialog.addEventListener("close", closed, { once: true });
    });
  }
}
