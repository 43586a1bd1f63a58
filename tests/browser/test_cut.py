"""The line is cut at each point of a sale, and the sale goes on: at the same page, after a reload, at a second window. Each time the
page says what is sold and what is not, the map and the box say the same, and central agrees once the line is back."""

import json
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from counter import sign_in
from house import request, until
from lost import lose_answers, lose_requests
from roll import NO_PAPER, WELL

CHOSEN = ".seatmap .seat[aria-checked=true]"
HOLDS, SALES = "**/v1/shows/*/holds", "**/v1/shows/*/sales"


@dataclass
class Counter:
    """The windows of one cashier, the seat that a sale is about, and what the box knows of it."""

    house: object
    window: object
    page: object = None
    show: str = ""
    seat: str = ""

    def open(self, next_show=False):
        page = self.window(self.house.theatre["counter"], refusals={401, 404, 409, 410}, loses_server=True)
        sign_in(page, self.house.staff("counter"))
        if next_show:
            return page
        # Where most seats are free no other test is in the way.
        rows = page.locator("#shows button")
        left = rows.evaluate_all("rows => rows.map((row) => parseInt(row.querySelector('.showing-left').textContent) || 0)")
        with page.expect_response("**/v1/shows/*/seats"):
            rows.nth(left.index(max(left))).click()
        expect(rows.nth(left.index(max(left)))).to_have_attribute("aria-current", "true")
        page.locator("#main").focus()
        return page

    def begin(self, next_show=False):
        """One seat is chosen at a window of its own."""
        if self.page:
            self.page.close()
        self.page = self.open(next_show)
        self.page.keyboard.press("1")
        expect(self.page.locator(CHOSEN)).to_have_count(1)
        self.note()

    def note(self, page=None):
        kept = json.loads((page or self.page).evaluate("sessionStorage.getItem('basket')"))
        self.show, [self.seat] = kept["show"], kept["seats"]

    def pay(self):
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#received")).to_be_focused()

    def ask(self, method, path, body=None):
        return request(method, f"{self.house.theatre['counter']}{path}", body, self.house.token("counter"))

    def tidy_up(self):
        """Nothing that is held or waits for paper is left to another test."""
        for hold in self.ask("GET", "/v1/holds")["holds"]:
            self.ask("DELETE", f"/v1/holds/{hold['hold']}")
        for paper in self.ask("GET", "/v1/prints")["prints"]:
            if paper["state"] == "failed":
                self.ask("POST", f"/v1/prints/{paper['print']}", {"do": "skip"})

    def state(self):
        """The seat as the box has it."""
        rows = self.ask("GET", f"/v1/shows/{self.show}/seats")["rows"]
        return next(seat["state"] for row in rows for seat in row["seats"] if seat["label"] == self.seat)

    def state_at_central(self):
        rows = request("GET", f"{self.house.customer}/v1/shows/{self.show}/seats")["rows"]
        return next(seat["state"] for row in rows for seat in row["seats"] if seat["label"] == self.seat)

    def sales(self):
        """Those of the seat that still count: another test may have sold it and taken it back."""
        sales = self.ask("GET", f"/v1/sales?show={self.show}&seat={self.seat}")["sales"]
        return [sale for sale in sales if any(ticket["state"] != "void" for ticket in sale["tickets"])]

    def expect_sold(self, page, tender, title="Sold"):
        """The page says so, the box has one sale of the seat, and the map shows it."""
        expect(page.locator("#till-title")).to_have_text(title)
        expect(page.locator("#till .paper-ticket strong")).to_have_text([self.seat])
        [sale] = self.sales()
        assert (sale["tender"], [ticket["state"] for ticket in sale["tickets"]]) == (tender, ["live"])
        assert page.locator("#till .short-code").inner_text().replace(" ", "") == sale["code"]
        assert self.state() == "sold" and self.ask("GET", "/v1/holds")["holds"] == []
        expect(page.locator(f".seatmap .seat[data-label='{self.seat}']")).to_have_attribute("data-state", "sold")

    def expect_not_sold(self, state):
        assert (self.state(), self.sales()) == (state, [])


@pytest.fixture
def counter(house, window):
    counter = Counter(house, window)
    counter.tidy_up()
    yield counter
    counter.tidy_up()


# --- the points: each brings the window there, and says what is there then


def chosen(counter):
    counter.expect_not_sold("free")


def held_without_an_answer(counter):
    lose_answers(counter.page, HOLDS)
    with counter.page.expect_event("requestfailed"):
        counter.page.keyboard.press("Enter")
    until("the hold is placed", lambda: counter.state() == "held", 10)


def paying_cash(counter):
    counter.pay()
    counter.expect_not_sold("held")


def paying_by_card(counter):
    counter.pay()
    counter.page.keyboard.press("c")
    expect(counter.page.locator("[name=digits]")).to_be_focused()
    counter.expect_not_sold("held")


def paying_by_upi(counter):
    counter.pay()
    counter.page.keyboard.press("u")
    expect(counter.page.locator(".upi-code svg")).to_be_visible()
    counter.expect_not_sold("held")


def sent_without_an_answer(counter):
    counter.pay()
    lose_answers(counter.page, SALES)
    with counter.page.expect_event("requestfailed"):
        counter.page.keyboard.press("Enter")
    until("the sale is made", lambda: counter.state() == "sold", 10)
    expect(counter.page.locator("#till-title")).to_have_text("Payment")


def sent_and_never_arrived(counter):
    counter.pay()
    lose_requests(counter.page, SALES)
    with counter.page.expect_event("requestfailed"):
        counter.page.keyboard.press("Enter")
    counter.expect_not_sold("held")


def printing(counter):
    counter.pay()
    counter.page.keyboard.press("Enter")
    expect(counter.page.locator("#prints")).to_contain_text("out of paper. The sale stands.")


# --- the ways on: at the window itself, reloaded or not, and at a second one after the first has died


def to_payment_and_pay(page):
    page.keyboard.press("Enter")
    pay_cash(page)


def pay_cash(page):
    expect(page.locator("#received")).to_be_focused()
    page.keyboard.press("Enter")


def pay_by_card(page):
    expect(page.locator("[name=digits]")).to_be_focused()
    page.keyboard.press("Enter")


def pay_by_upi(page):
    expect(page.locator(".upi-code svg")).to_be_visible()
    expect(page.locator("[name=digits]")).to_be_focused()
    page.keyboard.press("Enter")


def nothing(page):
    """It is sold already, or becomes so by itself."""


def go_on_with(key=None):
    def second(page):
        expect(page.locator(".held-elsewhere")).to_contain_text("not sold yet")
        page.keyboard.press("k")
        expect(page.locator("#received")).to_be_focused()
        if key:
            page.keyboard.press(key)
            expect(page.locator("#received")).to_have_count(0)
        page.keyboard.press("Enter")

    return second


def look_at(page):
    expect(page.locator(".sold-elsewhere")).to_contain_text("You sold")
    expect(page.locator(".held-elsewhere")).to_have_count(0)
    page.keyboard.press("k")


@dataclass
class Point:
    """A point of a sale, how its own window goes on and how a second one does, and the tender of the sale."""

    reach: object
    own: object
    second: object
    tender: str = "cash"
    title_at_the_second: str = "Sold"


POINTS = [
    Point(chosen, to_payment_and_pay, to_payment_and_pay),
    Point(held_without_an_answer, pay_cash, go_on_with()),
    Point(paying_cash, pay_cash, go_on_with()),
    Point(paying_by_card, pay_by_card, go_on_with("c"), "card"),
    Point(paying_by_upi, pay_by_upi, go_on_with("u"), "upi"),
    Point(sent_without_an_answer, nothing, look_at, title_at_the_second="Found"),
    Point(sent_and_never_arrived, nothing, go_on_with()),
    Point(printing, nothing, look_at, title_at_the_second="Found"),
]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.reach.__name__)
def test_a_sale_that_a_cut_meets_goes_on_and_nobody_has_to_guess(house, roll, counter, looks, point):
    try:
        if point.reach is printing:
            roll.state = NO_PAPER
        for way in ["stays", "reloads", "second"]:
            counter.begin()
            point.reach(counter)
            if way == "stays":
                house.cut()
            page, title, go_on = counter.page, "Sold", point.own
            page.unroute_all(behavior="wait")
            if way == "reloads":
                page.reload()
            if way == "second":
                page.close()
                page, title, go_on = counter.open(), point.title_at_the_second, point.second
                if point.reach is chosen:
                    # Nothing of it was said to the box: another guest may choose it.
                    expect(page.locator(".held-elsewhere")).to_have_count(0)
                    page.keyboard.press("1")
                    expect(page.locator(CHOSEN)).to_have_count(1)
                    counter.note(page)
            expect(page.locator("#badge")).to_contain_text("EDGE ONLY")
            go_on(page)
            counter.expect_sold(page, point.tender, title)
            if point.reach is printing:
                expect(page.locator("#prints")).to_contain_text("out of paper. The sale stands.")
            page.screenshot(path=looks.folder / f"cut-{point.reach.__name__}-{way}.png")
    finally:
        roll.state = WELL
    house.heal()
    house.wait_until_settled()
    assert counter.state_at_central() == "sold"


def test_chosen_seats_that_are_centrals_are_let_go_of_when_the_line_is_cut_and_the_page_says_why(house, counter):
    page = counter.page = counter.open()
    page.keyboard.press("1")
    expect(page.locator(CHOSEN)).to_have_count(1)
    seat = page.locator(".seatmap .seat[data-state=free]:has(.seat-claim)").last.get_attribute("data-label")
    theirs = page.locator(f".seatmap .seat[data-label='{seat}']")
    theirs.click()
    expect(theirs).to_have_attribute("aria-checked", "true")
    house.cut()
    expect(page.locator("#proposal")).to_have_text(f"{seat}: sold online only now")
    expect(page.locator(CHOSEN)).to_have_count(0)
    page.keyboard.press("1")
    expect(page.locator(CHOSEN)).to_have_count(1)
    counter.note(page)
    to_payment_and_pay(page)
    counter.expect_sold(page, "cash")


def test_a_void_that_waits_for_a_door_is_told_at_every_window_until_the_door_has_answered(house, counter, manager, window, looks):
    number, pair_url = house.add_scanner("Door X")
    request("POST", pair_url)
    try:
        # Its doors are open.
        counter.begin(next_show=True)
        to_payment_and_pay(counter.page)
        counter.expect_sold(counter.page, "cash")
        page = counter.page
        page.keyboard.press("v")
        expect(page.locator("[name=approver]")).to_be_focused()
        page.locator("[name=paper]").uncheck()
        page.locator("[name=approver]").fill(manager["name"])
        page.locator("[name=approver_pin]").fill(manager["pin"])
        page.keyboard.press("Enter")
        [code] = [sale["code"] for sale in counter.sales()]
        told = f"{code[:4]} {code[4:]}"
        second = counter.open(next_show=True)
        house.cut()
        page.reload()
        for one in (page, second):
            expect(one.locator("#voids")).to_contain_text(f"{told} is not void yet")
            expect(one.locator("#till-problem")).to_be_empty()
            expect(one.locator(f".seatmap .seat[data-label='{counter.seat}']")).to_have_attribute("data-state", "sold")
        [sale] = counter.sales()
        assert [ticket["state"] for ticket in sale["tickets"]] == ["void_requested"]
        assert counter.ask("GET", "/v1/refunds")["refunds"] == []
        page.screenshot(path=looks.folder / "cut-void-waits.png")
    finally:
        house.declare_off(number)
    for one in (page, second):
        expect(one.locator("#refunds")).to_contain_text(f"{told} is void: give back", timeout=20_000)
        expect(one.locator("#voids")).to_be_empty(timeout=20_000)
        expect(one.locator(f".seatmap .seat[data-label='{counter.seat}']")).to_have_attribute("data-state", "free")
    second.keyboard.press("y")
    expect(second.locator("#refunds").get_by_role("button", name="handed over")).to_be_focused()
    second.keyboard.press("Enter")
    expect(second.locator("#till-problem")).to_contain_text("It has left your drawer")
    expect(page.locator("#refunds")).to_be_empty(timeout=20_000)
    house.heal()
    house.wait_until_settled()
