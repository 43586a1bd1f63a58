"""Answers that get lost on their way to a page of a door: nobody else comes in by them."""

from playwright.sync_api import expect

from purchase import buy
from test_doors import burst, expect_verdict

# A page's clock, in minutes from the right time.
WRONG_CLOCKS = [-10, 0, 10]


def page_of(window, door, minutes):
    page = window(door.url, width=390, loses_server=True)
    page.add_init_script(f"const right = Date.now; Date.now = () => right() + {minutes} * 60000;")
    page.reload()
    expect(page.locator("#guarantee")).to_contain_text("SHARED")
    return page


def test_of_two_pages_of_one_door_the_one_that_asked_first_lets_in_when_its_answer_is_lost(house, door, window):
    for minutes, good in zip(WRONG_CLOCKS, buy(house, 3)):
        first, second = page_of(window, door, minutes), page_of(window, door, minutes)
        # The request arrives, its answer does not.
        first.route("**/v1/scan", lambda route: (route.fetch(), route.abort()))
        burst(first, good)
        expect_verdict(first, "waiting", "Not checked yet")
        burst(second, good)
        expect_verdict(second, "already", "Already in")
        first.unroute("**/v1/scan")
        expect_verdict(first, "admit", "Welcome")


def test_of_two_pages_of_one_door_the_one_whose_question_never_arrived_lets_nobody_in_after_a_copy(house, door, window):
    for minutes, good in zip(WRONG_CLOCKS, buy(house, 3)):
        first, second = page_of(window, door, minutes), page_of(window, door, minutes)
        first.route("**/v1/scan", lambda route: route.abort())
        burst(first, good)
        expect_verdict(first, "waiting", "Not checked yet")
        burst(second, good)
        expect_verdict(second, "admit", "Welcome")
        first.unroute("**/v1/scan")
        expect_verdict(first, "already", "Already in")
