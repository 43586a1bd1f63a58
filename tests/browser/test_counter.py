"""The counter: signs in, loses its line, goes on selling its own seats."""

import re

from playwright.sync_api import expect

from code_on_screen import read_codes
from counter import sell, sign_in
from looks import FIRST_VIEW_BYTES_MAX, first_view_bytes


def test_the_counter_sells_two_seats_during_a_cut_by_keyboard_alone(house, window, looks):
    page = window(house.theatre["counter"])
    looks.inspect(page, "counter-sign-in")
    sign_in(page, house.staff("counter"))
    expect(page.locator("#badge")).to_contain_text("ONLINE")
    looks.inspect(page, "counter-seats")
    house.cut()
    expect(page.locator("#badge")).to_contain_text("EDGE ONLY")
    expect(page.locator(".seatmap .seat[data-state=unavailable]").first).to_be_attached()
    looks.inspect(page, "counter-cut")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.locator("#received")).to_be_focused()
    looks.inspect(page, "counter-payment")
    page.keyboard.press("Escape")
    seats = sell(page, 2)
    assert len(set(seats)) == 2
    looks.inspect(page, "counter-sold")
    assert len(read_codes(page.locator("#till .paper"))) == 2, "both printed tickets carry a QR that reads"
    house.heal()
    expect(page.locator("#badge")).to_contain_text("ONLINE")


def test_a_key_that_is_held_down_sells_nothing_twice(house, window):
    page = window(house.theatre["counter"])
    sign_in(page, house.staff("counter"))
    page.keyboard.press("2")
    expect(page.locator(".seatmap .seat[aria-checked=true]")).to_have_count(2)
    page.keyboard.down("Enter")
    expect(page.locator("#received")).to_be_focused()
    for _ in range(5):
        page.keyboard.down("Enter")
        page.wait_for_timeout(100)
    expect(page.locator("#till-title")).to_have_text("Payment")
    page.keyboard.up("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#till-title")).to_have_text("Sold")


def test_a_customer_sees_a_cut_and_still_buys_what_is_left_online(house, window, looks):
    show = house.show()
    page = window(f"{house.customer}/shows/{show['id']}", width=390)
    expect(page.locator("#cut")).to_be_empty()
    house.cut()
    expect(page.locator("#cut")).to_contain_text("The line to this theatre is down")
    counter_only = page.locator(".seatmap .seat[data-state=unavailable]")
    expect(counter_only.first).to_have_attribute("aria-disabled", "true")
    expect(counter_only.first).to_have_attribute("aria-label", re.compile("at the counter only"))
    looks.inspect(page, "customer-cut")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#left")).to_contain_text(":")
    page.get_by_role("button", name="Choose other seats").click()
    expect(page.locator("#problem")).to_contain_text("Your seats are free again")
    house.heal()
    expect(page.locator("#cut")).to_be_empty()


def test_a_wrong_pin_is_told_and_nothing_is_shown(house, window, looks):
    page = window(house.theatre["counter"], refusals={401, 429})
    page.locator("#staff").fill("counter")
    page.locator("#pin").fill("0000")
    page.locator("#pin").press("Enter")
    expect(page.locator("#login-problem")).to_contain_text("Wrong name or PIN")
    expect(page.locator("#hall")).to_be_hidden()
    looks.inspect(page, "counter-wrong-pin")


def test_the_manager_makes_a_link_that_pairs_a_door(house, window, looks):
    page = window(f"{house.theatre['counter']}/door")
    manager = house.staff("manager")
    page.get_by_label("Manager").fill(manager["name"])
    page.get_by_label("PIN").fill(manager["pin"])
    page.get_by_label("Name of the door").fill("Door C")
    page.keyboard.press("Enter")
    expect(page.locator("#link")).to_contain_text("usher-scanner pair")
    looks.inspect(page, "counter-pairing")


def test_the_first_view_of_the_counter_is_light(house, chromium):
    for path in ["/", "/door"]:
        size = first_view_bytes(chromium, house.theatre["counter"] + path)
        print(f"{path}: {size / 1024:.1f} KB")
        assert 0 < size <= FIRST_VIEW_BYTES_MAX, f"{path} takes {size / 1024:.0f} KB"
