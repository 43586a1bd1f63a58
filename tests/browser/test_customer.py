"""The customer: finds a show, picks seats, pays at the simulator, has tickets with a QR that reads."""

import re

from playwright.sync_api import expect

from code_on_screen import read_codes
from looks import FIRST_VIEW_BYTES_MAX, first_view_bytes, walk_to
from purchase import booking_of, chosen, expect_tickets, free_pair, open_show, pay


def test_a_customer_picks_two_seats_on_the_map_pays_and_gets_a_qr(house, window, looks):
    show = house.show()
    page = window(house.customer, width=390)
    looks.inspect(page, "customer-start")
    open_show(page, house, show)
    proposed = chosen(page)
    assert len(proposed) == 2, f"two seats are proposed, not {proposed}"
    pair = free_pair(page)
    page.locator(f".seat[data-label='{pair[0]}']").click()
    assert set(chosen(page)) == set(pair)
    looks.inspect(page, "customer-seats")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#left")).to_contain_text(":")
    looks.inspect(page, "customer-hold")
    pay(page)
    looks.inspect(page, "customer-tickets")
    codes = house.ticket_codes(booking_of(page))
    assert set(codes) == set(pair)
    for seat, code in codes.items():
        assert read_codes(page.locator(f".ticket[data-seat='{seat}'] .entry")) == [code]


def test_a_customer_buys_with_the_keyboard_alone(house, window, looks):
    show = house.show()
    page = window(f"{house.customer}/shows/{show['id']}")
    expect(page.locator("#proposal")).to_contain_text("Best seats together")
    before = chosen(page)
    walk_to(page, ".seat[tabindex='0']")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    after = chosen(page)
    assert len(after) == 2 and set(after) != set(before), f"{before} became {after}"
    walk_to(page, "#take", steps_max=1500)
    page.keyboard.press("Enter")
    expect(page.locator("#order-title")).to_be_focused()
    walk_to(page, "#contact")
    page.keyboard.type("9876543210")
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Decline")
    expect(button).to_be_visible(timeout=30_000)
    looks.inspect(page, "payment")
    page.locator("body").evaluate("() => document.activeElement.blur()")
    walk_to(page, "form[action$='/approve'] button")
    page.keyboard.press("Enter")
    expect_tickets(page, 2)


def test_a_payment_that_was_declined_is_tried_again_in_the_same_window(house, window):
    page = window(f"{house.customer}/shows/{house.show()['id']}")
    expect(page.locator("#proposal")).to_contain_text("Best seats together")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Phone number or e-mail").fill("guest@example.org")
    page.get_by_role("button", name=re.compile("^Pay ₹")).click()
    page.wait_for_url("**/pay/*")
    page.get_by_role("button", name="Decline").click()
    page.wait_for_url("**/bookings/*")
    expect(page.locator("#main")).to_contain_text("declined")
    page.locator("#pay").click()
    page.wait_for_url("**/pay/*")
    page.get_by_role("button", name=re.compile("^Pay ")).click()
    expect_tickets(page, 2)


def test_a_booking_is_found_again_by_its_code_and_contact(house, window, looks):
    page = window(f"{house.customer}/shows/{house.show()['id']}", width=390, refusals={404})
    expect(page.locator("#proposal")).to_contain_text("Best seats together")
    page.get_by_role("button", name="Continue").click()
    pay(page)
    address, code = page.url, page.locator(".short-code").first.inner_text()
    page.get_by_role("link", name="Find your booking").click()
    looks.inspect(page, "customer-lookup")
    walk_to(page, "#code")
    page.keyboard.type(code.lower())
    walk_to(page, "#contact")
    page.keyboard.type("9876543210")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("No booking has this code and contact")
    page.get_by_label("E-mail or mobile number").fill("guest@example.org")
    page.keyboard.press("Enter")
    page.wait_for_url(address)


def test_a_halls_whole_width_fits_beside_the_order_and_its_marks_are_explained(house, window):
    page = window(f"{house.customer}/shows/{house.show()['id']}")
    expect(page.locator("#proposal")).to_contain_text("Best seats together")
    drawing = page.locator("#map")
    assert drawing.evaluate("place => place.scrollWidth - place.clientWidth") <= 0, "seats are cut off at the side"
    if page.locator(".seat-claim").count() > 0:
        expect(page.locator("#legend")).to_contain_text("Free, fetched from the theatre when sold")


def test_a_movies_page_and_its_days_look_right(house, window, looks):
    show = house.show()
    page = window(f"{house.customer}/?city={house.theatre['city']}")
    looks.inspect(page, "customer-city")
    page.locator(f"a.movie[href^='/movies/{show['movie']['id']}?']").first.click()
    expect(page.locator("nav.days a").first).to_be_visible()
    looks.inspect(page, "customer-movie")


def test_the_first_view_of_every_customer_page_is_light(house, chromium):
    show = house.show()
    city = f"?city={house.theatre['city']}"
    for path in ["/", "/bookings", f"/{city}", f"/movies/{show['movie']['id']}{city}", f"/shows/{show['id']}"]:
        size = first_view_bytes(chromium, house.customer + path)
        print(f"{path}: {size / 1024:.1f} KB")
        assert 0 < size <= FIRST_VIEW_BYTES_MAX, f"{path} takes {size / 1024:.0f} KB"
