"""The first five minutes at the counter, as a new cashier and a new owner have them: by keyboard alone, on the two screens that
stand in box offices."""

import re

import pytest
from playwright.sync_api import expect

from counter import sell, sign_in, tab_to
from house import until
from roll import NO_PAPER, WELL

KEYS_OF_A_WALK_UP_MAX = 4
SCREENS = [(1366, 768), (1920, 1080)]
CHOSEN = ".seatmap .seat[aria-checked=true]"
FITS = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"


class Screen:
    """A page on a screen of one size, and its pictures in the order of the story."""

    def __init__(self, page, size, looks, story):
        self.page, self.looks, self.name = page, looks, f"story-{story}-{size[0]}x{size[1]}"
        self.pictures = 0
        page.set_viewport_size({"width": size[0], "height": size[1]})

    def picture(self, what):
        self.pictures += 1
        assert self.page.evaluate(FITS), f"{what} is wider than the screen"
        self.page.screenshot(path=self.looks.folder / f"{self.name}-{self.pictures}-{what}.png", animations="disabled")


def open_shift(page, hundreds):
    page.keyboard.press("t")
    expect(page.locator("#open")).to_be_visible()
    expect(page.locator("#open .total")).to_have_text("Counted: ₹0")
    tab_to(page, page.locator("#open").get_by_label("How many of ₹100"))
    page.keyboard.type(str(hundreds))
    expect(page.locator("#open .total")).to_have_text(f"Counted: ₹{hundreds}00")
    page.keyboard.press("Enter")
    expect(page.locator("#own .report")).to_be_visible()


def retry_papers(page, presses_max=6):
    """A paper at a time, in whatever order they failed."""
    trouble = page.locator("#prints .notes")
    for _ in range(presses_max):
        if trouble.count() == 0:
            break
        page.keyboard.press("r")
        page.wait_for_timeout(700)
    expect(trouble).to_have_count(0)
    expect(page.locator("#prints")).to_contain_text("Printed")


def close_shift(page, hundreds):
    tab_to(page, page.locator("#close summary"))
    page.keyboard.press("Enter")
    tab_to(page, page.locator("#close").get_by_label("How many of ₹100"))
    page.keyboard.type(str(hundreds))
    page.keyboard.press("Enter")
    expect(page.locator("#own .facts h3")).to_be_visible()


@pytest.mark.parametrize("size", SCREENS)
def test_a_new_cashier_sells_her_first_tickets_within_five_minutes(house, roll, window, looks, size):
    page = window(house.theatre["counter"])
    screen = Screen(page, size, looks, "cashier")
    sign_in(page, house.staff("manager"))
    open_shift(page, 5)
    screen.picture("float")
    page.keyboard.press("Escape")
    expect(page.locator("#till .chosen")).to_be_visible()
    expect(page.locator("#badge")).to_contain_text("ONLINE")
    screen.picture("ready")

    # A walk-up with the exact money.
    keys = iter(["2", "Enter", "Enter", "Enter"])
    pressed = 0

    def press():
        nonlocal pressed
        page.keyboard.press(next(keys))
        pressed += 1

    press()
    expect(page.locator(CHOSEN)).to_have_count(2)
    screen.picture("two-together")
    press()
    expect(page.locator("#received")).to_be_focused()
    screen.picture("cash")
    press()
    expect(page.locator("#till-title")).to_have_text("Sold")
    expect(page.locator("#till .paper-ticket")).to_have_count(2)
    expect(page.locator("#prints")).to_contain_text("Printed")
    screen.picture("sold")
    press()
    expect(page.locator("#till-title")).to_have_text("Sale")
    assert pressed <= KEYS_OF_A_WALK_UP_MAX

    # The next guest wants other seats than the proposed ones.
    page.keyboard.press("2")
    expect(page.locator(CHOSEN)).to_have_count(2)
    proposed = page.locator(CHOSEN).evaluate_all("seats => seats.map((seat) => seat.dataset.label)")
    page.keyboard.press("n")
    expect(page.locator(f".seatmap .seat[data-label={proposed[0]}]")).to_have_attribute("aria-checked", "false")
    expect(page.locator(CHOSEN)).to_have_count(2)
    screen.picture("other-seats")
    page.keyboard.press("Escape")

    # A guest who pays with a phone.
    page.keyboard.press("1")
    expect(page.locator(CHOSEN)).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#received")).to_be_focused()
    page.keyboard.press("u")
    expect(page.locator(".upi-code svg")).to_be_visible()
    screen.picture("upi")
    page.keyboard.press("Enter")
    expect(page.locator("#till-title")).to_have_text("Sold")
    expect(page.locator("#prints")).to_contain_text("Printed")
    page.keyboard.press("Enter")

    # The printer runs out of paper.
    printed = len(roll.papers)
    roll.state = NO_PAPER
    try:
        sell(page, 1)
        expect(page.locator("#prints")).to_contain_text("out of paper. The sale stands.")
        screen.picture("no-paper")
    finally:
        roll.state = WELL
    retry_papers(page)
    until("ticket and receipt are out", lambda: len(roll.papers) >= printed + 2, 10)

    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    screen.picture("help")
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    expect(page.locator("#own .report")).to_contain_text(re.compile(r"Cash\s*2 sales\s*UPI\s*1 sale"))
    screen.picture("takings")
    close_shift(page, 5)
    screen.picture("closed")


@pytest.mark.parametrize("size", SCREENS)
def test_a_new_owner_pulls_the_line_and_goes_on_selling(house, window, looks, size):
    page = window(house.theatre["counter"])
    screen = Screen(page, size, looks, "owner")
    sign_in(page, house.staff("counter"))
    expect(page.locator("#badge")).to_contain_text("ONLINE")
    page.keyboard.press("2")
    expect(page.locator(CHOSEN)).to_have_count(2)
    left = page.locator("#shows [aria-current=true] .showing-left")
    before = left.inner_text()
    house.cut()
    expect(page.locator("#badge")).to_contain_text("EDGE ONLY")
    expect(left).not_to_have_text(before)
    screen.picture("cut-in-mid-sale")
    page.keyboard.press("Enter")
    expect(page.locator("#received")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#till-title")).to_have_text("Sold")
    tickets = page.locator("#till .paper-ticket")
    expect(tickets).to_have_count(2)
    screen.picture("sold-in-the-cut")
    page.reload()
    # What was sold is still there, and the next guest is a key away.
    expect(page.locator("#badge")).to_contain_text("EDGE ONLY")
    expect(tickets).to_have_count(2)
    expect(page.locator(".seatmap .seat").first).to_be_attached()
    page.keyboard.press("Enter")
    expect(page.locator("#till .chosen")).to_be_visible()
    sell(page, 1)
    house.heal()
    expect(page.locator("#badge")).to_contain_text("ONLINE")
    screen.picture("healed")
