// How the box stands with central, always in sight and never in the way.

import { every, request } from "./api.js";
import { clockHere } from "./words.js";

const POLL_MS = 2000;

/** Keeps the badge true; calls `onstatus(status)` with each answer. */
export function watchLink(badge, onstatus = () => {}) {
  const look = async () => {
    const answer = await request("GET", "/v1/status", { patience: 4000 });
    const { kind, word, more } = answer.ok ? standing(answer.data) : NO_ANSWER;
    const text = more ? `${word} (${more})` : word;
    if (badge.textContent !== text) badge.replaceChildren(part("strong", word), part("span", more ? ` (${more})` : ""));
    badge.dataset.link = kind;
    if (answer.ok) onstatus(answer.data);
  };
  look();
  return every(POLL_MS, look);
}

const NO_ANSWER = { kind: "closed", word: "NO ANSWER", more: "the box does not answer; trying again" };

/** What a status means at the counter: a kind for the drawing, a word, and the rest of the story. */
export function standing({ link, can_sell, unwitnessed = 0 }) {
  if (link.closed || !can_sell) return { kind: "closed", word: "CLOSED", more: (link.closed ?? "may not sell").replaceAll("_", " ") };
  if (link.state === "live" && !link.work_offline) return { kind: "online", word: "ONLINE", more: waiting(link) };
  const seen = link.peer_last_heard ? `central last seen ${clockHere(link.peer_last_heard)}` : "central not seen yet";
  const by_hand = link.work_offline ? "by hand" : null;
  const back = link.state === "reconciling" ? "line is back, comparing books" : null;
  const alone = unwitnessed > 0 ? `${unwitnessed} unwitnessed` : null;
  const since = `since ${clockHere(link.since)}`;
  return { kind: "edge", word: "EDGE ONLY", more: [since, by_hand, back, seen, waiting(link), alone].filter(Boolean).join(", ") };
}

function waiting(link) {
  if (link.backlog === 0) return null;
  return link.backlog === 1 ? "1 entry waiting" : `${link.backlog} entries waiting`;
}

function part(name, text) {
  return Object.assign(document.createElement(name), { textContent: text });
}
