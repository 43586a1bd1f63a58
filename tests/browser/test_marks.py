"""The states of a seat, as the map draws them: with every colour taken away each is still another drawing, by day and by night."""

import io
import itertools

import pytest
from PIL import Image, ImageChops, ImageFilter
from playwright.sync_api import expect

from counter import sign_in

STATES = ["free", "held", "sold", "withheld", "unavailable", "in_transit", "unknown"]
# A free seat may be one that is fetched from central when it is sold, or one for a wheelchair.
KINDS = [*({"state": state} for state in STATES), {"state": "free", "by_claim": True}, {"state": "free", "accessible": True}]
NAMES = [*STATES, "claim", "accessible", "mine"]
# A seat is drawn so large, and two drawings differ in so many points at least: a small mark's outline.
SIDE = 96
POINTS_MIN = 30
EDGE = 24
WITHOUT_MARKS = ".seat-mark, .seat-number, .seat-claim { display: none !important } .seat-body { stroke-dasharray: none !important }"
LARGE = ".seatmap { width: 6000px !important; height: auto !important } .seatmap * { transition: none !important }"
STYLE = "(text) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(text); document.adoptedStyleSheets.push(sheet); }"


def every_state(route):
    """The first row has a seat of each kind, all of one number and one category."""
    answer = route.fetch()
    view = answer.json()
    seats = view["rows"][0]["seats"]
    assert len(seats) >= len(NAMES), "a row with room for every state"
    for seat, kind in zip(seats, [*KINDS, {"state": "free"}], strict=False):
        seat.update({"number": 8, "category": 0, "by_claim": False, "accessible": False, **kind})
    route.fulfill(response=answer, json=view, headers={**answer.headers, "etag": ""})


def drawings(page, labels, states=None):
    """What is drawn of each seat, without its colours: only where light and dark meet. With `states` each is first painted so."""
    drawn = {}
    for name, label in zip(states or NAMES, labels, strict=True):
        seat = page.locator(f".seatmap .seat[data-label='{label}']")
        seat.scroll_into_view_if_needed()
        if states:
            seat.evaluate("(node, state) => { node.dataset.state = state; }", name)
        picture = Image.open(io.BytesIO(seat.screenshot(animations="disabled"))).convert("L").resize((SIDE, SIDE))
        # Each from its own darkest to its own lightest, so that a paler drawing is the same one.
        low, high = picture.getextrema()
        even = picture.point(lambda grey: (grey - low) * 255 // max(1, high - low))
        drawn[name] = even.filter(ImageFilter.FIND_EDGES).point(lambda grey: 255 if grey > EDGE else 0)
    return drawn


def alike(drawn):
    """Pairs of states that are one drawing."""
    def differ(a, b):
        # A line that lies a point further is the same line.
        wide = [picture.filter(ImageFilter.MaxFilter(5)) for picture in (a, b)]
        apart = [ImageChops.subtract(one, other) for one, other in ((a, wide[1]), (b, wide[0]))]
        return sum(picture.histogram()[255] for picture in apart)

    return [(one, other) for one, other in itertools.combinations(drawn, 2) if differ(drawn[one], drawn[other]) < POINTS_MIN]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_two_states_of_a_seat_differ_by_colour_alone(house, window, looks, scheme):
    page = window(house.theatre["counter"])
    page.emulate_media(color_scheme=scheme)
    page.route("**/v1/shows/*/seats", every_state)
    sign_in(page, house.staff("counter"))
    row = page.locator(".seatmap g[role=group] .seat").first.locator("xpath=..").locator(".seat")
    labels = row.evaluate_all("(seats, many) => seats.slice(0, many).map((seat) => seat.dataset.label)", len(NAMES))
    page.keyboard.press("1")
    page.locator(f".seatmap .seat[data-label='{labels[-1]}']").click()
    expect(page.locator(f".seatmap .seat[data-label='{labels[-1]}']")).to_have_attribute("aria-checked", "true")
    words = row.evaluate_all("(seats, many) => seats.slice(0, many).map((seat) => seat.getAttribute('aria-label'))", len(NAMES))
    # What a screen reader says of them differs too, but for where a seat is fetched from.
    assert len(set(words)) == len(NAMES) - 1, words
    page.screenshot(path=looks.folder / f"marks-{scheme}.png")
    page.locator("#main").focus()
    page.evaluate(STYLE, LARGE)
    drawn = drawings(page, labels)
    for name, picture in drawn.items():
        picture.save(looks.folder / f"mark-{scheme}-{name}.png")
    assert alike(drawn) == []
    # And that this can fail: seats that differ by their colours alone are found.
    page.evaluate(STYLE, WITHOUT_MARKS)
    # One seat, painted in one state after the other: where another one stands its lines lie elsewhere by a part of a point.
    found = alike(drawings(page, [labels[0]] * len(STATES), STATES))
    assert ("withheld", "in_transit") in found and ("free", "unavailable") in found, found
