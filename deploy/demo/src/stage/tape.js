// The operator's tape: what was written into the logs and what was switched, newest first.

import { request } from "./api.js";
import { clock, el } from "./words.js";

const LINES_MAX = 150;
const list = document.getElementById("tape");
let after = 0;

/** Asks for what happened since and adds it on top. */
export async function showTape() {
  const answer = await request("GET", `/api/tape?after=${after}`, { patience: 8000 });
  if (!answer.ok) return;
  for (const event of answer.data.events) {
    after = Math.max(after, event.number);
    list.prepend(line(event));
  }
  while (list.childElementCount > LINES_MAX) list.lastElementChild.remove();
}

function line({ at, place, side, text }) {
  const seconds = /T\d\d:\d\d:(\d\d)/.exec(at)?.[1] ?? "";
  const time = clock(at).replace(/ [ap]m$/, `:${seconds}`);
  return el(
    "li",
    { "data-side": side },
    el("span", { class: "tape-time figures" }, time),
    el("span", { class: "tape-who" }, `${side} · ${place}`),
    el("span", { class: "tape-text" }, text),
  );
}
