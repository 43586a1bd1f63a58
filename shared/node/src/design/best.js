// Which seats to propose: a pure function of the map. Neighbours in one row, near the middle, two thirds back.

const ROW_WEIGHT = 2.4;
const ORPHAN_PENALTY = 7;
const CLAIM_PENALTY = 1000;
const ACCESSIBLE_PENALTY = 500;

/**
 * Proposals of `wanted` neighbouring free seats, best first, none overlapping an earlier one. `category` is an index
 * or null for any. Seats that the other side would have to hand over come last.
 */
export function bestSeats(view, wanted, category = null) {
  const width = Math.max(...view.rows.flatMap((row) => row.seats.map((seat) => seat.column)), 0);
  const windows = view.rows.flatMap((row, index) => {
    const far = Math.abs(index - 0.64 * (view.rows.length - 1)) * ROW_WEIGHT;
    return windowsOf(row, wanted, category).map((seats) => ({ seats, cost: far + costOf(seats, row, width / 2) }));
  });
  windows.sort((a, b) => a.cost - b.cost);
  const taken = new Set();
  const proposals = [];
  for (const { seats } of windows) {
    if (seats.some((seat) => taken.has(seat.label))) continue;
    seats.forEach((seat) => taken.add(seat.label));
    proposals.push(seats.map((seat) => seat.label));
  }
  return proposals;
}

/** The best seats when no `wanted` neighbours are left: smaller groups as near to each other as the map allows. */
export function splitSeats(view, wanted, category = null) {
  for (let group = wanted - 1; group >= 1; group -= 1) {
    const proposals = bestSeats(view, group, category);
    const labels = proposals.flat().slice(0, wanted);
    if (labels.length === wanted) return labels;
  }
  return [];
}

/** Whether choosing these seats leaves one free seat alone between taken ones. */
export function leavesOrphan(view, labels) {
  const chosen = new Set(labels);
  return view.rows.some((row) => {
    const free = (at) => row.seats[at]?.state === "free" && !chosen.has(row.seats[at].label);
    const beside = (at, other) => row.seats[other] && Math.abs(row.seats[other].column - row.seats[at].column) === 1;
    return row.seats.some((seat, at) => {
      if (!free(at)) return false;
      const left = beside(at, at - 1) ? row.seats[at - 1] : null;
      const right = beside(at, at + 1) ? row.seats[at + 1] : null;
      const alone = !(left && free(at - 1)) && !(right && free(at + 1));
      return alone && [left, right].some((near) => near && chosen.has(near.label)) && left && right;
    });
  });
}

/** Up to `wanted` neighbouring free seats around the one at `at`, to the right first. */
export function runFrom(row, at, wanted) {
  const usable = (i, near) => row.seats[i]?.state === "free" && Math.abs(row.seats[i].column - row.seats[near].column) === 1;
  const run = [row.seats[at]];
  for (let i = at + 1; run.length < wanted && usable(i, i - 1); i += 1) run.push(row.seats[i]);
  for (let i = at - 1; run.length < wanted && usable(i, i + 1); i -= 1) run.unshift(row.seats[i]);
  return run.map((seat) => seat.label);
}

function windowsOf(row, wanted, category) {
  const windows = [];
  for (let at = 0; at + wanted <= row.seats.length; at += 1) {
    const seats = row.seats.slice(at, at + wanted);
    const fits = seats.every(
      (seat, i) =>
        seat.state === "free" &&
        (category === null || seat.category === category) &&
        (i === 0 || seat.column === seats[i - 1].column + 1),
    );
    if (fits) windows.push(seats);
  }
  return windows;
}

function costOf(seats, row, middle) {
  const first = row.seats.indexOf(seats[0]);
  const centre = (seats[0].column + seats.at(-1).column) / 2;
  const orphans = [orphan(row, first - 1, -1), orphan(row, first + seats.length, 1)].filter(Boolean).length;
  const claims = seats.filter((seat) => seat.by_claim).length;
  const accessible = seats.filter((seat) => seat.accessible).length;
  return Math.abs(centre - middle) + orphans * ORPHAN_PENALTY + claims * CLAIM_PENALTY + accessible * ACCESSIBLE_PENALTY;
}

// A free neighbour with nothing free behind it would be left alone.
function orphan(row, at, step) {
  const near = row.seats[at];
  const beside = row.seats[at - step];
  const behind = row.seats[at + step];
  if (near?.state !== "free" || Math.abs(near.column - beside.column) !== 1) return false;
  return !(behind?.state === "free" && Math.abs(behind.column - near.column) === 1);
}
