// A report of a day on paper: whose it is, its lines, their sums, and room for two signatures.

import { el } from "./words.js";

const TITLES = { "collection.csv": "Daily collection", "tenders.csv": "Sales by tender", "z.csv": "Shifts closed" };
const WORDS = {
  starts_at: "Show",
  cgst: "CGST",
  sgst: "SGST",
  serial_from: "From",
  serial_to: "To",
  void_amount: "Back",
  opened_at: "Opened",
  closed_at: "Closed",
  paid_in: "Paid in",
  paid_out: "Paid out",
  drawer_opened: "No sale",
  journal_row: "Journal",
};
/** Columns that the head of the sheet says already, or that no person reads. */
const LEFT_OUT = ["date", "show", "currency", "journal_hash", "signature"];
const SUMMED = ["issued", "void", "count", "gross", "net", "cgst", "sgst", "sales", "void_amount", "cash", "card", "upi", "paid_in", "paid_out", "difference"];

/** The sheet of a report's CSV. */
export function sheetOf(file, date, house, text) {
  const [head, ...lines] = cells(text);
  const shown = head.map((name, at) => ({ name, at })).filter(({ name }) => !LEFT_OUT.includes(name));
  const word = (name) => WORDS[name] ?? name[0].toUpperCase() + name.slice(1).replaceAll("_", " ");
  const sums = shown.map(({ name, at }, nth) => (nth === 0 ? "All" : SUMMED.includes(name) ? total(lines.map((line) => line[at])) : ""));
  const row = (texts, cell) => el("tr", {}, ...texts.map((one, nth) => el(nth === 0 ? "th" : cell, nth === 0 ? { scope: "row" } : {}, one)));
  return [
    el("h2", {}, `${house.name}: ${TITLES[file]}`),
    ...house.told.map((line) => el("p", {}, line)),
    el("p", {}, new Date(`${date}T12:00`).toLocaleDateString("en-IN", { dateStyle: "full" })),
    lines.length === 0
      ? el("p", {}, "Nothing on this day.")
      : el(
          "table",
          {},
          el("thead", {}, el("tr", {}, ...shown.map(({ name }) => el("th", { scope: "col" }, word(name))))),
          el("tbody", {}, ...lines.map((line) => row(shown.map(({ name, at }) => shorter(name, line[at], date)), "td"))),
          el("tfoot", {}, row(sums, "td")),
        ),
    el("p", { class: "signatures" }, el("span", {}, "For the theatre"), el("span", {}, "For the distributor")),
  ];
}

// A time of the day that the sheet is of needs no date.
function shorter(name, text, date) {
  if (!name.endsWith("_at") || !text.includes("T")) return text;
  return text.startsWith(date) ? text.slice(11, 16) : `${text.slice(0, 10)} ${text.slice(11, 16)}`;
}

function total(texts) {
  const decimals = Math.max(...texts.map((text) => (text.split(".")[1] ?? "").length));
  const minor = texts.reduce((sum, text) => sum + Math.round(Number(text) * 100), 0);
  return (minor / 100).toFixed(decimals);
}

/** The cells of a CSV (RFC 4180), line by line. */
export function cells(text) {
  const lines = [[]];
  for (const [, quoted, plain, end] of text.replace(/^\ufeff/, "").matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    lines.at(-1).push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === "") break;
    if (end !== ",") lines.push([]);
  }
  return lines.filter((line) => line.length > 1);
}
