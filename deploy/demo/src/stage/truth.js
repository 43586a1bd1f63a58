// The truth panel: never hidden, red as soon as something that must not happen has happened.

import { request } from "./api.js";
import { el, span } from "./words.js";

const panel = document.getElementById("truth");
const word = document.getElementById("truth-word");
const stories = document.getElementById("stories");

/** Asks what is true and shows it. */
export async function showTruth() {
  const answer = await request("GET", "/api/truth", { patience: 8000 });
  if (!answer.ok) return paint("asking", "The panel gets no answer; asking again");
  const truth = answer.data;
  const broken = [];
  for (const cell of panel.querySelectorAll("[data-truth]")) {
    const { truth: key, breach } = cell.dataset;
    const value = truth[key];
    const bad = breach !== undefined && value !== 0;
    cell.dataset.bad = String(bad);
    cell.querySelector("dd").textContent = words(key, value);
    if (bad) broken.push(cell.querySelector("dt").textContent);
  }
  stories.hidden = !truth.stories?.length;
  stories.replaceChildren(...(truth.stories ?? []).slice(0, 8).map((story) => el("li", {}, story)));
  if (broken.length > 0) return paint("broken", `BROKEN: ${broken.join(", ")}`);
  if (truth.entries_unsynced > 0 || !truth.digests_equal) return paint("waiting", "Holds; entries are on their way");
  paint("holds", "Holds; both sides equal");
}

function words(key, value) {
  if (key === "digests_equal") return value ? "yes" : "not yet";
  return key === "oldest_unsynced_s" ? span(value) : String(value);
}

function paint(state, text) {
  panel.dataset.state = state;
  if (word.textContent !== text) word.textContent = text;
}
