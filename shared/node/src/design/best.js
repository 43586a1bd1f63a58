// Which seats to propose: a pure function of the map. Neighbours in one row, near the middle, two thirds back.

// The weights of `shared/src/best.rs`: what a page proposes is what the server would choose.
const LIKED_ROW_PERCENT = 65;
const ROW_WEIGHT = 3;
const ORPHAN_PENALTY = 1000;
const ACCESSIBLE_PENALTY = 100_000;
const CLAIM_PENALTY = 10_000_000;

/**
 * Proposals of `wanted` neighbouring free seats, best first, none overlapping an earlier one. `category` is an index
 * or null for any. Seats that the other side would have to hand over come last.
 */
export function bestSeats(view, wanted, category = null) {
  const widest = Math.max(...view.rows.flatMap((row) => row.seats.map((seat) => seat.column)), 0);
  const liked = Math.floor((view.rows.length * LIKED_ROW_PERCENT) / 100);
  const windows = view.rows.flatMap((row, index) => {
    const far = Math.abs(index - liked) * ROW_WEIGHT;
    return blocksOf(row, category).flatMap((block) => windowsOf(block, wanted, widest, far, index));
  });
  windows.sort((a, b) => a.cost - b.cost || a.row - b.row || a.seats[0].column - b.seats[0].column);
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

// Free seats of a row that are neighbours, as far as the category goes.
function blocksOf(row, category) {
  const free = row.seats.filter((seat) => seat.state === "free" && (category === null || seat.category === category));
  const blocks = [];
  for (const seat of free.sort((a, b) => a.column - b.column)) {
    const block = blocks.at(-1);
    if (block && block.at(-1).column + 1 === seat.column) block.push(seat);
    else blocks.push([seat]);
  }
  return blocks;
}

function windowsOf(block, wanted, widest, far, row) {
  const windows = [];
  for (let start = 0; wanted > 0 && start + wanted <= block.length; start += 1) {
    const seats = block.slice(start, start + wanted);
    const orphans = Number(start === 1) + Number(block.length - start - wanted === 1);
    const centre = Math.abs(seats[0].column + seats.at(-1).column - widest);
    const claims = seats.filter((seat) => seat.by_claim).length * CLAIM_PENALTY;
    const accessible = seats.filter((seat) => seat.accessible).length * ACCESSIBLE_PENALTY;
    windows.push({ seats, row, cost: claims + accessible + orphans * ORPHAN_PENALTY + centre + far });
  }
  return windows;
}
