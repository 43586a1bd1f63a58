"""A customer's way from the start page to the tickets, in the steps that the stories share."""

import re
from urllib.error import HTTPError

from playwright.sync_api import expect

from house import request


def open_show(page, house, show):
    """From the start page to a show, by the links a customer follows."""
    page.get_by_role("link", name=re.compile(f"^{re.escape(house.theatre['city'])}")).click()
    open_show_from_city(page, show)


def open_show_from_city(page, show):
    """From a city's page to a show; the movie is on its first page of movies or is searched for."""
    expect(page.locator("ul.movies")).to_be_visible()
    if page.locator(f"a.movie[href^='/movies/{show['movie']['id']}?']").count() == 0:
        page.get_by_label("Search movies").fill(show["movie"]["title"])
        page.get_by_role("button", name="Search").click()
    page.locator(f"a.movie[href^='/movies/{show['movie']['id']}?']").first.click()
    expect(page.locator("nav.days")).to_be_visible()
    link = page.locator(f"a[href='/shows/{show['id']}']")
    if link.count() == 0:
        page.locator(f"nav.days a[href$='date={show['starts_at'][:10]}']").click()
    link.click()
    expect(page.locator("#proposal")).to_contain_text("Best seats together")


def chosen(page):
    """Labels of the seats chosen on the map."""
    return page.locator(".seat[aria-checked=true]").evaluate_all("nodes => nodes.map((node) => node.dataset.label)")


def free_pair(page):
    """Two free neighbours on the map that are not chosen yet."""
    return page.evaluate(
        """() => {
          const free = (node) => node?.dataset?.state === "free" && node.getAttribute("aria-disabled") === "false";
          for (const seat of document.querySelectorAll(".seatmap .seat"))
            if (free(seat) && free(seat.nextElementSibling)) return [seat.dataset.label, seat.nextElementSibling.dataset.label];
          return [];
        }"""
    )


def pay(page):
    """From the hold to the booking with its tickets, at the payment simulator's own page."""
    page.get_by_label("Phone number or e-mail").fill("guest@example.org")
    page.get_by_role("button", name=re.compile("^Pay ₹")).click()
    page.wait_for_url("**/pay/*")
    page.get_by_role("button", name=re.compile("^Pay ")).click()
    expect_tickets(page, 2)


def expect_tickets(page, count):
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re going", timeout=30_000)
    expect(page.locator(".ticket")).to_have_count(count)
    for image in page.locator(".ticket img").all():
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("image => image.naturalWidth") > 0, "the QR code is no picture"


def booking_of(page):
    return page.url.rsplit("/", 1)[1]


def buy(house, count):
    """Tickets bought over the public interface; returns their texts."""
    return list(house.ticket_codes(book(house, count)).values())


def hold_best(house, count):
    """A hold of so many seats together, of the next show that has them."""
    for show in house.shows():
        try:
            return request("POST", f"{house.customer}/v1/shows/{show['id']}/holds", {"best": count})
        except HTTPError as refusal:
            if refusal.code != 409:
                raise
    raise AssertionError(f"no show has {count} seats together")


def book(house, count):
    """A booking of so many seats, made and paid over the public interface; returns its number."""
    hold = hold_best(house, count)
    contact = {"email": f"{hold['hold']}@example.org"}
    booking = request("POST", f"{house.customer}/v1/bookings", {"hold": hold["hold"], "contact": contact})["booking"]
    payment = request("POST", f"{house.customer}/v1/bookings/{booking}/payments", {})
    house.approve(payment["pay_url"])
    house.wait_until_booked(booking)
    return booking
