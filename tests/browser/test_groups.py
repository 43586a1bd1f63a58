"""Company at the door: one ticket is read, the others of its booking come in with one key, all of them or some."""

import re

import pytest
from playwright.sync_api import expect

from door import Door
from house import request, until
from purchase import book
from test_doors import burst, expect_verdict


@pytest.fixture
def door(house):
    running = Door(house, "Door C")
    yield running
    running.close()


def book_known_at(house, url, count):
    """A booking of so many seats that the door has heard of: its codes by seat, in the order of the seats."""
    codes = house.ticket_codes(book(house, count))
    seats = sorted(codes, key=lambda seat: (len(seat), seat))

    def known():
        answers = [request("GET", f"{url}/v1/tickets?seat={seat}")["tickets"] for seat in seats]
        bookings = [{one["booking"] for one in answer} for answer in answers]
        return len(set.intersection(*bookings) - {None}) > 0

    until("the door knows the booking", known, 20)
    return seats, codes


def test_with_the_keyboard_a_booking_comes_in_by_one_key_and_is_taken_back_by_another(house, window, looks):
    url = house.door(0)
    seats, codes = book_known_at(house, url, 4)
    page = window(url)
    expect(page.locator("#guarantee")).to_contain_text("SHARED")
    burst(page, codes[seats[0]])
    expect_verdict(page, "admit", "Welcome")
    expect(page.locator("#group-text")).to_have_text(f"3 more of this booking: {', '.join(seats[1:])}")
    expect(page.locator("#group-key")).to_contain_text("Let 3 more in")
    looks.inspect(page, "door-group")
    looks.inspect_on_a_tablet(page, "door-group")
    page.keyboard.press("F2")
    expect_verdict(page, "admit", "3 more in")
    expect(page.locator("#text")).to_have_text(f"3 seats let in: {', '.join(seats[1:])}.")
    expect(page.locator("#group")).to_be_hidden()
    page.locator("#undo-key").focus()
    page.keyboard.press("Enter")
    expect_verdict(page, "out", "Taken back")
    # Nobody is inside: the last one is read, and everybody else is outside again. The first was let in longer ago than can be undone.
    burst(page, codes[seats[3]])
    expect_verdict(page, "admit", "Welcome")
    expect(page.locator("#group-text")).to_contain_text(f"{seats[1]}, {seats[2]}")
    # By the keys: the first box is left out, then Enter.
    page.locator("#group-seats input").first.focus()
    left_out = page.locator("#group-seats span").first.text_content()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("#words")).to_have_text(re.compile(r"^\d more in$"))
    looks.inspect_on_a_tablet(page, "door-group-in")
    expect(page.locator("#text")).not_to_contain_text(left_out)
    assert page.evaluate("document.activeElement.id") == "main", "the focus is where it can be seen"


def test_by_touch_a_door_that_is_alone_lets_some_in_and_says_who_was_in_already(house, door, window, looks):
    door.start()
    door.until_in_touch()
    seats, codes = book_known_at(house, door.url, 4)
    page = window(door.url, width=390, loses_server=True, touch=True)
    expect(page.locator("#guarantee")).to_contain_text("SHARED")
    door.line.cut()
    burst(page, codes[seats[0]])
    expect_verdict(page, "admit", "Welcome")
    expect(page.locator("#guarantee")).to_contain_text("SOLO")
    page.locator("#group-seats label", has_text=seats[1]).tap()
    expect(page.locator("#group-key")).to_contain_text("Let 2 more in")
    looks.inspect(page, "door-group-alone")
    # Meanwhile one of them goes in at another window of this door.
    request("POST", f"{door.url}/v1/scan", {"code": codes[seats[2]]})
    page.locator("#group-key").tap()
    expect_verdict(page, "already", "1 of 2 in")
    expect(page.locator("#lines li")).to_have_text([re.compile(f"^{seats[2]}: Already in, .+ at Door C$")])
    looks.inspect(page, "door-group-mixed")
    looks.inspect_on_a_tablet(page, "door-group-mixed")
    # Who was left out comes in by their own code, and is offered nobody any more.
    burst(page, codes[seats[1]])
    expect_verdict(page, "admit", "Welcome")
    expect(page.locator("#group")).to_be_hidden()
    door.line.heal()
    until("everything is delivered", lambda: door.status()["queued"] == 0, 20)
    other = window(house.door(0), width=390)
    for seat in seats:
        burst(other, codes[seat])
        expect_verdict(other, "already", "Already in")
        expect(other.locator("#first")).to_contain_text("Door C")


def test_an_answer_that_is_lost_lets_nobody_in_twice(house, door, window):
    door.start()
    door.until_in_touch()
    seats, codes = book_known_at(house, door.url, 3)
    page = window(door.url, loses_server=True)
    expect(page.locator("#guarantee")).to_contain_text("SHARED")
    burst(page, codes[seats[0]])
    expect_verdict(page, "admit", "Welcome")
    # The request arrives, its answer does not.
    page.route("**/v1/groups", lambda route: (route.fetch(), route.abort()))
    page.keyboard.press("F2")
    expect(page.locator("#group-fault")).to_contain_text("Press again")
    page.unroute("**/v1/groups")
    page.keyboard.press("F2")
    expect_verdict(page, "admit", "2 more in")


def test_a_guest_who_has_nothing_but_the_short_code_of_the_booking_comes_in_by_it(house, window, looks):
    url = house.door(0)
    seats, codes = book_known_at(house, url, 3)
    short = request("GET", f"{url}/v1/tickets?seat={seats[0]}")["tickets"][0]["booking"]
    page = window(url, width=390)

    def type_code():
        page.locator("#code").fill(f"{short[:4]} {short[4:]}".lower())
        page.keyboard.press("Enter")

    type_code()
    expect_verdict(page, "unknown", "Who comes in?")
    expect(page.locator("#group-text")).to_have_text(f"3 tickets of this booking: {', '.join(seats)}")
    looks.inspect(page, "door-short-code")
    looks.inspect_on_a_tablet(page, "door-short-code")
    page.locator("#group-seats input").first.focus()
    page.keyboard.press("Space")
    expect(page.locator("#group-key")).to_contain_text("Let 2 in")
    page.keyboard.press("F2")
    expect_verdict(page, "admit", "2 in")
    expect(page.locator("#text")).to_have_text(f"2 seats let in: {', '.join(seats[1:])}.")
    # One is left, so there is nobody to choose from.
    type_code()
    expect_verdict(page, "admit", "Welcome")
    expect(page.locator("#seat strong")).to_have_text(seats[0])
    type_code()
    expect_verdict(page, "already", "Already in")
    burst(page, codes[seats[1]])
    expect_verdict(page, "already", "Already in")
    page.locator("#code").fill("2222 3333")
    page.keyboard.press("Enter")
    expect_verdict(page, "unknown", "Code not known")
