// Asking this program's JSON API. An answer is a value, never an exception: {ok, status, data, problem, …}.

/** A fresh Idempotency-Key: 32 hex digits. `crypto.randomUUID` is missing on plain-http addresses in a theatre. */
export function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const UNREACHABLE = {
  code: "unreachable",
  title: "No answer",
  detail: "The program does not answer. What you did may have arrived: trying again is safe.",
};

/** Sends one request. `key` is the Idempotency-Key, `etag` makes it conditional, `patience` is in milliseconds; `text` takes any text. */
export async function request(method, url, { body, key, token, etag, patience = 15000, keepalive = false, text = false } = {}) {
  const headers = { accept: "application/json, application/problem+json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (key) headers["idempotency-key"] = key;
  if (token) headers.authorization = `Bearer ${token}`;
  if (etag) headers["if-none-match"] = etag;
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), patience);
  try {
    const answer = await fetch(url, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      signal: giveUp.signal,
      keepalive,
    });
    const json = (answer.headers.get("content-type") ?? "").includes("json");
    const data = json ? await answer.json() : text ? await answer.text() : null;
    return {
      ok: answer.ok,
      status: answer.status,
      etag: answer.headers.get("etag"),
      // Server clock minus this device's, in milliseconds.
      skew: (Date.parse(answer.headers.get("date")) || Date.now()) - Date.now(),
      retryAfter: Number(answer.headers.get("retry-after")) || 0,
      data: answer.ok ? data : null,
      problem: answer.ok || answer.status === 304 ? null : problemOf(answer.status, data),
    };
  } catch {
    return { ok: false, status: 0, etag: null, skew: 0, retryAfter: 0, data: null, problem: UNREACHABLE };
  } finally {
    clearTimeout(timer);
  }
}

function problemOf(status, data) {
  return {
    ...data,
    code: data?.code ?? `http_${status}`,
    title: data?.title ?? "That did not work",
    detail: data?.detail ?? "",
  };
}

// Refusals that pass by themselves within a moment.
const PASSING = ["seat_in_transit", "too_many_in_transit", "claim_queue_full", "overloaded"];

/** Sends the same request again, with the same key, while nothing answers or the refusal is one that passes. */
export async function requestUntilAnswered(method, url, options, attempts = 4) {
  let answer = null;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    answer = await request(method, url, options);
    if (answer.ok || (answer.status !== 0 && !PASSING.includes(answer.problem.code))) return answer;
    await pause(answer.retryAfter > 0 ? Math.min(answer.retryAfter, 3) * 1000 : 400 * 2 ** attempt);
  }
  return answer;
}

/** Waits, in milliseconds. */
export function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

/** Runs `task` every `ms`, one at a time, and at once when the page is looked at again. Returns a stop function. */
export function every(ms, task) {
  let timer = 0;
  let stopped = false;
  const run = async () => {
    clearTimeout(timer);
    if (stopped) return;
    if (!document.hidden) await task();
    if (!stopped) timer = setTimeout(run, ms);
  };
  const seen = () => {
    if (!document.hidden) run();
  };
  document.addEventListener("visibilitychange", seen);
  timer = setTimeout(run, ms);
  return () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  };
}
