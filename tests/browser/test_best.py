"""What a page proposes is what the server would choose: the golden vectors of `shared`, run in the browser."""

import json
from pathlib import Path

VECTORS = Path(__file__).parents[2] / "shared/tests/vectors/best.json"
PROPOSED = """async (vectors) => {
  const { bestSeats } = await import("/assets/best.js");
  return vectors.map(({ rows, count, category }) => {
    const view = { rows: rows.map((text, index) => ({ label: "ABCDEFGH"[index], seats: [] })) };
    rows.forEach((text, index) => {
      let number = 0;
      [...text].forEach((kind, column) => {
        if (kind === " ") return;
        number += 1;
        const state = kind === "x" ? "sold" : "free";
        view.rows[index].seats.push({ label: `${view.rows[index].label}${number}`, number, column, state, category: Number(index > 0), accessible: kind === "w" });
      });
    });
    return bestSeats(view, count, category)[0] ?? [];
  });
}"""


def test_the_best_seats_are_those_of_the_vectors(house, window):
    vectors = json.loads(VECTORS.read_text())
    page = window(house.theatre["counter"])
    assert page.evaluate(PROPOSED, vectors) == [vector["seats"] for vector in vectors]
