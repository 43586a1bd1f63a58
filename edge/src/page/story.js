// Both sides of a discrepancy in words. What has none here is shown as it came.

const KINDS = {
  not_applied: "An entry that does not fit",
  fork: "Two entries under one number",
  digest: "The books do not add up to the same",
  shows_overlap: "Two shows at one time",
  seen_too_much: "The other side has seen more than there is",
  forgot: "This log had been longer",
  opened_unproven: "Opened without proof",
  beyond_cut: "An entry that is not in the log",
  set_aside: "An entry that fits no more",
  clone: "Two boxes with one key",
  admitted_twice: "One ticket let in twice",
  admitted_seat_taken: "Two tickets for one seat let in",
  seat_taken: "A second ticket for a taken seat",
  ticket_found_late: "A ticket turned up whose seat is not its own",
};

/** A kind of discrepancy as a headline. */
export function kindInWords(kind) {
  return KINDS[kind] ?? (kind.startsWith("admitted_") ? `Let in: ${plain(kind.slice(9))}` : plain(kind));
}

/** One side of a story as lines; the other one may know what its seats are called. */
export function inWords(side, other) {
  if (side === null || typeof side !== "object") return ["Nothing"];
  const labels = new Map((other?.seats ?? []).map((one) => [one.seat, one.label]));
  const lines = Object.entries(side).flatMap(([name, value]) => (LINES[name] ?? raw)(value, name, labels));
  return lines.length > 0 ? lines : ["Nothing"];
}

const LINES = {
  shown: (at) => [`Shown at ${at.door}, ${time(at.at)}`],
  admitted: (at) => (at ? [`Let in at ${at.door}, ${time(at.at)}${at.guarantee ? ` (${at.guarantee})` : ""}`] : []),
  conflict: (text) => [capital(text)],
  entry,
  head,
  log: () => [],
  opened_by: (by) => [`Opened by ${plain(by)}`],
  remembered_by: (memory) => [`Remembered by ${typeof memory === "string" ? "central" : `device d${Object.values(memory)[0]}`}`],
  seats: (seats) => seats.map(seat),
  show: (one) => (typeof one === "object" && one ? [show(one)] : [`Show ${one}`]),
  shows: (all) => all.map(show),
};

function seat({ show, seat, label, title, standing, ticket }) {
  return `${place(seat, show, label)}${title ? `, ${title}` : ""}${standing ? `: ${standing}` : ""}${ticket ? `, ticket ${ticket}` : ""}`;
}

function show({ screen, title, starts, ends }) {
  return `${title}, screen ${screen}, ${time(starts)} to ${time(ends)}`;
}

function head(head) {
  if (head?.seq === undefined) return ["No entry known"];
  return [head.hash === "another" ? `Another entry ${head.seq}` : `Entry ${head.seq}, hash ${head.hash.slice(0, 8)}`];
}

function entry(entry, _, labels) {
  if (!entry) return ["An entry that cannot be read any more"];
  const { show, seat, seats = [], ticket, ...rest } = entry.what ?? {};
  const named = seat === undefined ? seats : [{ seat, ticket }];
  const called = named.map((one) => `${place(one.seat, show, labels.get(one.seat))}${one.ticket ? `, ticket ${one.ticket}` : ""}`);
  const others = Object.entries(rest).filter(([, value]) => typeof value !== "object");
  return [plain(entry.fact), ...called, ...others.map(([name, value]) => `${capital(plain(name))} ${value}`)];
}

function place(seat, show, label) {
  return label ? `Seat ${label}` : `Seat number ${seat} of show ${show}`;
}

function raw(value, name) {
  return [`${capital(plain(name))}: ${typeof value === "object" ? JSON.stringify(value) : value}`];
}

/** `VoidRefused` and `void_refused` as people write them. */
function plain(word) {
  if (typeof word !== "string") return JSON.stringify(word);
  return word.replaceAll("_", " ").replace(/([a-z])([A-Z])/g, (_, a, b) => `${a} ${b.toLowerCase()}`);
}

function capital(text) {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function time(at) {
  return new Date(at).toLocaleString("en-IN", { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });
}
