// A shift in words and numbers: on screen and on paper.

import { TENDERS } from "./sold.js";
import { count, el, money } from "./words.js";

/** What a shift came to; what is not told yet is left out. */
export function shiftReport(shift) {
  const when = (at) => new Date(at).toLocaleString("en-IN", { dateStyle: "medium", timeStyle: "short" });
  const lines = [
    !shift.closed_at && ["X, as of", when(Date.now())],
    ["Shift", `${shift.shift}, ${shift.staff}`],
    ["Opened", when(shift.opened_at)],
    shift.closed_at && ["Closed", `${when(shift.closed_at)} by ${shift.closed_by}`],
    ["Float", money(shift.float)],
    ...shift.tenders.filter(({ sold, voided }) => sold + voided > 0).map((one) => [TENDERS[one.tender], taken(one)]),
    shift.paid_in.minor > 0 && ["Paid in", money(shift.paid_in)],
    shift.paid_out.minor > 0 && ["Paid out", money(shift.paid_out)],
    shift.drawer_opened > 0 && ["Drawer opened", `${count(shift.drawer_opened, "time")} without a sale`],
    shift.expected_cash && ["Should be in the drawer", money(shift.expected_cash)],
    shift.counted && ["Counted", money(shift.counted)],
    shift.difference && ["Difference", money(shift.difference)],
    shift.journal_end && ["Till journal", `row ${shift.journal_end.row}, ${inFours(shift.journal_end.hash)}`],
  ];
  const told = lines.filter(Boolean).map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, text)));
  return el("dl", { class: "report" }, ...told);
}

/** Digits as one reads them out. */
const inFours = (hash) => hash.match(/.{4}/g).join(" ");

function taken({ sold, voided, net }) {
  const back = voided > 0 ? `, ${count(voided, "ticket")} taken back` : "";
  return `${count(sold, "sale")}${back}${net ? `: ${money(net)}` : ""}`;
}
