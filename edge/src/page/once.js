// What must happen once, however often Enter is pressed and whatever answers are lost.

import { freshKey } from "./api.js";
import { keep, kept } from "./kept.js";

/** What became of the request is not known: it may have been done. */
export function untold({ status, problem }) {
  return status === 0 || status === 500 || ["store_stopped", "outcome_unknown", "request_in_progress"].includes(problem?.code);
}

/**
 * Requests of one kind, one at a time. The same words go out under the same key until they were answered, over a reload too; `name` is
 * what they are kept under.
 */
export class Once {
  constructor(name, ask) {
    Object.assign(this, { name, ask, working: false });
  }

  /** The answer; nothing while another one is under way. */
  async send(url, body) {
    if (this.working) return null;
    this.working = true;
    const words = JSON.stringify([url, body]);
    const before = kept(this.name);
    const key = before?.words === words ? before.key : freshKey();
    keep(this.name, { words, key });
    try {
      const answer = await this.ask("POST", url, { body, key, insist: true });
      if (!untold(answer) && !answer.signedOut) keep(this.name, null);
      return answer;
    } finally {
      this.working = false;
    }
  }
}
