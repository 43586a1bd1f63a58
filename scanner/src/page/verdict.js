// Verdicts as they are shown: a shape and two or three words each. Colour comes last.

import { span } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

// Circle, triangle, diamond, octagon: told apart without colour, in a box of 100.
const SHAPES = {
  idle: ["M50 8a42 42 0 1 1-.01 0z", "M33 50h34M50 33v34"],
  admit: ["M50 6a44 44 0 1 1-.01 0z", "M29 51l15 15 28-31"],
  already: ["M50 8 95 88H5z", "M50 36v26M50 74v.5"],
  unknown: ["M50 4 96 50 50 96 4 50z", "M40 41a10 10 0 1 1 14 9c-3 2-4 4-4 8M50 69v.5"],
  refuse: ["M32 5h36l27 27v36L68 95H32L5 68V32z", "M34 34l32 32M66 34L34 66"],
  out: ["M50 6a44 44 0 1 1-.01 0z", "M30 50h38M54 34l16 16-16 16"],
  waiting: ["M8 8h84v84H8z", "M50 28v24l15 10"],
};

const WORDS = {
  ok: "Welcome",
  show_not_known: "Welcome",
  overridden: "Let in",
  already_admitted: "Already in",
  seat_taken: "Seat taken",
  unknown_key: "Key not known",
  not_in_book: "Not in the book",
  key_learned: "New key known",
  code_not_known: "Code not known",
  choose_tickets: "Who comes in?",
  too_many_codes: "Too many codes",
  device_off: "Declared off",
  not_checked: "Not checked",
  upgrade_needed: "Newer ticket",
  not_inside: "Not inside",
  no_reentry: "No coming back",
  undo_over: "Too late",
  not_counted: "Not counted",
  malformed: "Not a ticket",
  bad_signature: "Not genuine",
  void: "Cancelled ticket",
  revoked: "Key revoked",
  wrong_theatre: "Other theatre",
  wrong_show: "Other show",
  wrong_screen: "Other screen",
  too_early: "Too early",
  too_late: "Too late",
  superseded: "Sold again",
  show_cancelled: "Show cancelled",
};

const FALLBACK = { out: "Out", admit: "Welcome", already: "Already in", unknown: "Ask a manager", refuse: "No entry" };

/** The two or three words of a verdict; a wrong screen names the right one. */
export function wordsOf(verdict) {
  if (verdict.code === "wrong_screen" && verdict.screen) return `Screen ${verdict.screen} →`;
  return WORDS[verdict.code] ?? FALLBACK[verdict.verdict] ?? verdict.verdict;
}

/** Draws the shape of a verdict into its place. */
export function drawShape(place, kind) {
  const [outline, sign] = SHAPES[kind] ?? SHAPES.refuse;
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 100 100");
  drawing.setAttribute("aria-hidden", "true");
  for (const [d, name] of [[outline, "shape-outline"], [sign, "shape-sign"]]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    path.setAttribute("class", name);
    drawing.append(path);
  }
  place.replaceChildren(drawing);
}

/** How far a verdict may be trusted, beside it: its level, and how old what it was decided by is. */
export function levelWords({ guarantee, data_age_s }) {
  if (!guarantee) return "";
  const old = data_age_s === undefined ? "never synced" : `data ${span(data_age_s)} old`;
  return guarantee === "SHARED" ? `SHARED · all doors agree · ${old}` : `${guarantee} · ${old}`;
}

/** What a guarantee level means, in words for the person at the door. */
export function guaranteeWords(level, age) {
  const old = age === undefined ? "never synced" : `data ${age} old`;
  const words = {
    SHARED: `all doors agree, each ticket enters once · ${old}`,
    SOLO: `this door alone: a ticket could also enter at another door · ${old}`,
    STALE: `this door alone, and what it knows is old: cancellations may be missing · ${old}`,
  };
  return words[level] ?? old;
}
