"""A reload, a lost answer or a second window at every point of a sale: what is sold is seen, and nothing is sold twice."""

import json

import pytest
from playwright.sync_api import expect

from counter import sell, sign_in
from house import request, until
from lost import lose_answers, lose_requests

CHOSEN = ".seatmap .seat[aria-checked=true]"
HOLDS, SALES, PRINTS, VOIDS = "**/v1/shows/*/holds", "**/v1/shows/*/sales", "**/v1/sales/*/prints", "**/v1/sales/*/void"


@pytest.fixture
def counter(house, window):
    """A window at the counter whose requests may be lost, with somebody signed in."""
    page = window(house.theatre["counter"], refusals={401, 403, 404, 409, 410}, loses_server=True)
    sign_in(page, house.staff("counter"))
    yield page
    # One test that broke off holds no seats that the next one finds.
    staff = house.staff("counter")
    session = request("POST", f"{house.theatre['counter']}/v1/session", {"staff": staff["name"], "pin": staff["pin"]})
    for hold in request("GET", f"{house.theatre['counter']}/v1/holds", token=session["token"])["holds"]:
        request("DELETE", f"{house.theatre['counter']}/v1/holds/{hold['hold']}", token=session["token"])


def to_payment(page, count=2):
    page.keyboard.press(str(count))
    expect(page.locator(CHOSEN)).to_have_count(count)
    page.keyboard.press("Enter")
    expect(page.locator("#received")).to_be_focused()


def labels(page):
    return page.locator(CHOSEN).evaluate_all("seats => seats.map((seat) => seat.dataset.label).sort()")


def expect_chosen(page, seats):
    """The map is drawn apart from the till."""
    expect(page.locator(CHOSEN)).to_have_count(len(seats))
    assert labels(page) == seats


def token(page):
    return json.loads(page.evaluate("sessionStorage.getItem('session')"))["token"]


def mine(house, page):
    """The latest sales of whoever is signed in, as the box has them."""
    return request("GET", f"{house.theatre['counter']}/v1/sales?list=mine", token=token(page))["sales"]


def holds(house, page):
    return request("GET", f"{house.theatre['counter']}/v1/holds", token=token(page))["holds"]


def expect_sold(house, page, seats, before):
    expect(page.locator("#till-title")).to_have_text("Sold")
    now = mine(house, page)
    assert len(now) == min(20, len(before) + 1) and now[0]["sale"] not in {sale["sale"] for sale in before}
    assert sorted(line["seat"] for line in now[0]["lines"]) == seats
    assert now[0]["code"] == page.locator("#till .short-code").inner_text().replace(" ", "")
    assert holds(house, page) == []


def test_what_was_chosen_is_chosen_after_a_reload(house, counter, looks):
    counter.keyboard.press("3")
    counter.keyboard.press("n")
    expect(counter.locator("#proposal")).to_contain_text("Next best")
    expect(counter.locator(CHOSEN)).to_have_count(3)
    seats = labels(counter)
    counter.reload()
    expect(counter.locator(CHOSEN)).to_have_count(3)
    expect_chosen(counter, seats)
    expect(counter.locator("#wanted input[value='3']")).to_be_checked()
    expect(counter.locator("#till .chosen")).to_be_visible()
    # The till's page and back.
    counter.keyboard.press("t")
    expect(counter.locator("#own")).to_be_visible()
    counter.goto(house.theatre["counter"])
    expect(counter.locator(CHOSEN)).to_have_count(3)
    expect_chosen(counter, seats)


@pytest.mark.parametrize("lose", [lose_answers, lose_requests])
def test_seats_that_were_asked_for_without_an_answer_are_held_once(house, counter, lose):
    before = mine(house, counter)
    counter.keyboard.press("2")
    expect(counter.locator(CHOSEN)).to_have_count(2)
    seats = labels(counter)
    lose(counter, HOLDS)
    with counter.expect_event("requestfailed"):
        counter.keyboard.press("Enter")
    counter.unroute(HOLDS)
    counter.reload()
    expect(counter.locator("#received")).to_be_focused()
    assert [sorted(line["seat"] for line in hold["lines"]) for hold in holds(house, counter)] == [seats]
    expect_chosen(counter, seats)
    counter.keyboard.press("Enter")
    expect_sold(house, counter, seats, before)


def test_the_payment_goes_on_after_a_reload(house, counter, looks):
    before = mine(house, counter)
    to_payment(counter)
    seats = labels(counter)
    counter.keyboard.press("c")
    expect(counter.locator("[name=digits]")).to_be_focused()
    counter.reload()
    expect(counter.locator("#till-title")).to_have_text("Payment")
    expect(counter.locator("[name=digits]")).to_be_visible()
    expect_chosen(counter, seats)
    looks.inspect(counter, "counter-payment-again")
    counter.keyboard.press("Enter")
    expect_sold(house, counter, seats, before)


def test_the_seats_of_a_payment_are_the_windows_own_after_a_reload_however_slow_the_rest_of_the_page_is(house, counter):
    to_payment(counter)
    seats = labels(counter)

    def late(route):
        counter.wait_for_timeout(1_500)
        route.continue_()

    counter.route("**/v1/printers", late)
    counter.reload()
    expect(counter.locator("#received")).to_be_focused()
    expect_chosen(counter, seats)
    expect(counter.locator("#proposal")).to_have_text("As you left it")
    counter.keyboard.press("Escape")
    counter.unroute_all(behavior="wait")


@pytest.mark.parametrize("lose", [lose_answers, lose_requests])
def test_a_sale_whose_answer_was_lost_is_asked_for_again_after_a_reload(house, counter, lose):
    before = mine(house, counter)
    to_payment(counter)
    seats = labels(counter)
    lose(counter, SALES)
    with counter.expect_event("requestfailed"):
        counter.keyboard.press("Enter")
    counter.unroute(SALES)
    counter.reload()
    expect_sold(house, counter, seats, before)


@pytest.mark.parametrize(("lose", "sold"), [(lose_answers, True), (lose_requests, False)])
def test_escape_tells_whether_a_sale_without_an_answer_was_made(house, counter, looks, lose, sold):
    before = mine(house, counter)
    to_payment(counter)
    seats = labels(counter)
    lose(counter, SALES)
    counter.keyboard.press("Enter")
    expect(counter.locator("#till-problem")).to_contain_text("No answer yet", timeout=30_000)
    looks.inspect(counter, "counter-no-answer")
    counter.keyboard.press("Escape")
    if sold:
        return expect_sold(house, counter, seats, before)
    expect(counter.locator("#till-problem")).to_contain_text("Nothing was sold")
    assert mine(house, counter) == before and holds(house, counter) == []
    counter.unroute(SALES)
    expect(counter.locator(".seatmap .seat[data-state=held]")).to_have_count(0)
    sell(counter, 1)


def test_a_sale_under_way_survives_the_end_of_the_session(house, counter):
    before = mine(house, counter)
    to_payment(counter)
    seats = labels(counter)
    request("DELETE", f"{house.theatre['counter']}/v1/session", token=token(counter))
    counter.keyboard.press("Enter")
    expect(counter.locator("#login-problem")).to_contain_text("Signed out")
    counter.locator("#pin").fill(house.staff("counter")["pin"])
    counter.keyboard.press("Enter")
    expect_sold(house, counter, seats, before)


def test_a_lock_in_the_payment_keeps_the_seats_and_another_cashier_goes_on(house, manager, counter):
    to_payment(counter)
    seats = labels(counter)
    expect(counter.locator("#received")).to_be_focused()
    counter.keyboard.press("l")
    expect(counter.locator("#login")).to_be_visible()
    counter.locator("#staff").fill(manager["name"])
    counter.locator("#pin").fill(manager["pin"])
    counter.keyboard.press("Enter")
    expect(counter.locator("#received")).to_be_focused()
    expect_chosen(counter, seats)
    before = mine(house, counter)
    counter.keyboard.press("Enter")
    expect_sold(house, counter, seats, before)


def test_tickets_that_were_sold_and_not_printed_yet_are_printed_after_a_reload(house, roll, counter):
    papers = len(roll.papers)
    to_payment(counter)
    lose_requests(counter, PRINTS)
    with counter.expect_event("requestfailed"):
        counter.keyboard.press("Enter")
    expect(counter.locator("#till-title")).to_have_text("Sold")
    counter.unroute(PRINTS)
    counter.reload()
    expect(counter.locator("#till-title")).to_have_text("Sold")
    expect(counter.locator("#prints")).to_contain_text("Printed")
    until("tickets and receipt are out", lambda: len(roll.papers) == papers + 2, 10)
    counter.reload()
    expect(counter.locator("#till .paper-ticket")).to_have_count(2)
    counter.wait_for_timeout(500)
    assert len(roll.papers) == papers + 2, "they are printed once"


def test_a_void_whose_answer_was_lost_is_told_after_a_reload(house, manager, window):
    page = window(house.theatre["counter"], loses_server=True)
    sign_in(page, manager)
    sell(page, 1)
    page.keyboard.press("v")
    expect(page.locator("#void-yes")).to_be_focused()
    lose_answers(page, VOIDS)
    with page.expect_event("requestfailed"):
        page.keyboard.press("Enter")
    page.unroute(VOIDS)
    page.reload()
    expect(page.locator("#till-problem")).to_contain_text("is void")
    assert [ticket["state"] for ticket in mine(house, page)[0]["tickets"]] == ["void"]


def test_a_second_window_goes_on_with_what_the_first_one_holds(house, counter, window, looks):
    to_payment(counter)
    seats = labels(counter)
    other = window(house.theatre["counter"], refusals={404})
    sign_in(other, house.staff("counter"))
    expect(other.locator(".held-elsewhere")).to_contain_text("You hold")
    looks.inspect(other, "counter-held-elsewhere")
    before = mine(house, other)
    other.keyboard.press("k")
    expect(other.locator("#received")).to_be_focused()
    other.keyboard.press("Enter")
    expect_sold(house, other, seats, before)
    # The first window is told what became of its seats, and sells them no second time.
    counter.keyboard.press("Enter")
    expect(counter.locator("#till-title")).to_have_text("Sold")
    assert counter.locator("#till .short-code").inner_text() == other.locator("#till .short-code").inner_text()
    assert len(mine(house, other)) == min(20, len(before) + 1)
