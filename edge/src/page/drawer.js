// Opening the cash drawer without a sale: for a reason, which is written down before it opens.

import { Once } from "./once.js";
import { complain, count, notice } from "./words.js";

const FAILED = {
  unreachable: "Its printer does not answer.",
  paper_out: "Its printer is out of paper.",
  cover_open: "Its printer is open.",
  not_known: "It was asked before and its printer has not answered. Look at the drawer.",
};

/** The question in `dialog`; `place` tells what came of it. */
export class Drawer {
  constructor(dialog, place, ask) {
    this.dialog = dialog;
    this.form = dialog.querySelector("form");
    this.opening = new Once("open the drawer", ask);
    dialog.addEventListener("close", async () => {
      if (dialog.returnValue !== "open") return;
      const answer = await this.opening.send("/v1/drawer", { reason: this.form.elements.reason.value });
      if (!answer) return;
      complain(place, answer.problem);
      if (!answer.ok) return;
      const { opened, reason, times } = answer.data;
      const word = opened ? "The drawer is open" : reason === "not_known" ? "Is the drawer open?" : "The drawer stays shut";
      notice(place, opened ? "good" : "warn", word, `${FAILED[reason] ?? ""} Written down: ${count(times, "time")} in this shift.`.trim());
    });
  }

  /** Asks for the reason. */
  ask() {
    this.form.reset();
    this.dialog.returnValue = "";
    this.dialog.showModal();
    this.form.elements.reason.select();
  }
}
