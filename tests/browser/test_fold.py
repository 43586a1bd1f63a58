"""What a cashier needs is in sight on the screens of box offices, however much there is to tell: the badge never takes a second line of
the masthead, and the key that sells is never below the fold."""

import pytest
from playwright.sync_api import expect

from counter import sign_in

SCREENS = [(1366, 768), (1920, 1080)]
# A masthead of one line.
MASTHEAD_MAX = 62
IN_SIGHT = """(node) => {
  const box = node.getBoundingClientRect();
  const there = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return box.top >= 0 && box.bottom <= window.innerHeight && node.contains(there);
}"""
SCROLLS = "() => document.documentElement.scrollHeight > window.innerHeight + 1"


def much_to_tell(route):
    """A long cut with whatever can wait waiting, in a theatre with a long name."""
    answer = route.fetch()
    status = answer.json()
    status["link"].update({"state": "locked_down", "backlog": 1234, "work_offline": True, "discrepancies": 17})
    status.update({"unwitnessed": 120, "slips": 113})
    status["theatre"]["name"] = "Shree Venkateshwara Cinema Palace and Multiplex, Old Town"
    route.fulfill(response=answer, json=status)


@pytest.mark.parametrize("size", SCREENS, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_masthead_is_one_line_and_the_key_that_sells_in_sight_whatever_there_is_to_tell(house, window, looks, size):
    page = window(house.theatre["counter"])
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.route("**/v1/status", much_to_tell)
    sign_in(page, house.staff("counter"))
    expect(page.locator("#badge")).to_contain_text("1234 entries waiting")
    expect(page.locator("#to-verify")).to_contain_text("113")
    masthead = page.locator(".masthead").bounding_box()
    assert masthead["height"] <= MASTHEAD_MAX, masthead
    for part in ["#badge", "#till-link", "#house-link", "#help-key", "#lock"]:
        assert page.locator(part).evaluate(IN_SIGHT), part
    cut_off = "(node) => [...node.children].some((part) => part.getBoundingClientRect().bottom > node.getBoundingClientRect().bottom)"
    assert not page.locator("#badge").evaluate(cut_off), "all of the badge is read"
    page.keyboard.press("2")
    expect(page.locator(".seatmap .seat[aria-checked=true]")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page.locator("#received")).to_be_focused()
    for key, there in [("m", "#received"), ("c", "[name=approval]"), ("u", ".upi-code svg")]:
        page.keyboard.press(key)
        expect(page.locator(there)).to_be_visible()
        assert page.locator("#sell").evaluate(IN_SIGHT), key
        assert not page.evaluate(SCROLLS), key
    # With a card or UPI the field that has the focus is in sight too.
    assert page.locator("[name=digits]").evaluate(IN_SIGHT)
    page.screenshot(path=looks.folder / f"fold-upi-{size[0]}x{size[1]}.png")
    page.keyboard.press("Escape")
