// Codes as this browser keeps them, each under a key of its own: several pages of one device keep theirs side by side, and none writes
// over another's.

import { freshKey } from "./api.js";

const PREFIX = "kept code ";
// All in one list, as earlier versions kept them.
const LIST = "kept codes";

/** The codes that were kept, in the order in which they were read. What cannot be read is no code. */
export function restored() {
  const texts = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).map((key) => localStorage.getItem(key));
  const found = [...parsed(localStorage.getItem(LIST)), ...texts.flatMap((text) => parsed(text))].filter((one) => typeof one?.code === "string");
  const kept = found.map(({ code, keys, out, id, at, copies }) => ({
    code,
    keys: typeof keys === "string" ? keys : undefined,
    out: out === true,
    id: /^[0-9a-f]{32}$/.test(id) ? id : freshKey(),
    at: Number(at) || Date.now(),
    copies: Number(copies) || 0,
    failures: 0,
    late: true,
    saved: false,
  }));
  kept.forEach(save);
  localStorage.removeItem(LIST);
  return kept.sort((one, other) => one.at - other.at);
}

/** Keeps a code, and notes on it whether this browser does. */
export function save(scan) {
  const { code, keys, out, id, at, copies } = scan;
  try {
    localStorage.setItem(PREFIX + id, JSON.stringify({ code, keys, out, id, at, copies }));
    scan.saved = true;
  } catch {
    scan.saved = false;
  }
}

/** Its verdict was given. */
export function forget({ id }) {
  localStorage.removeItem(PREFIX + id);
}

function parsed(text) {
  try {
    return [JSON.parse(text ?? "[]")].flat();
  } catch {
    return [];
  }
}
