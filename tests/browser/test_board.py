"""The board of shows: the next one chosen, other days by keys, and no choice that breaks off a sale."""

import datetime
import json

from playwright.sync_api import expect

from counter import sell, sign_in

CHOSEN = "#shows [aria-current=true]"


def look_again(page):
    """The page asks for everything again at once, as it does when it is looked at again."""
    with page.expect_response("**/v1/shows*"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def last_sale(page):
    return json.loads(page.evaluate("sessionStorage.getItem('last sale')"))


def test_a_show_of_another_day_is_reached_and_sold_by_keys_alone(house, window, looks):
    page = window(house.theatre["counter"])
    sign_in(page, house.staff("counter"))
    today = page.locator("#board-title").inner_text()
    for _ in range(page.locator("#shows li").count() + 1):
        if page.locator("#board-title").inner_text() != today:
            break
        with page.expect_response("**/v1/shows/*/seats"):
            page.keyboard.press("PageDown")
        expect(page.locator(CHOSEN)).to_have_count(1)
    expect(page.locator("#board-title")).not_to_have_text(today)
    expect(page.locator("#shows li").first.locator(CHOSEN.split()[-1])).to_be_visible()
    expect(page.get_by_role("button", name="The day before")).to_be_enabled()
    looks.inspect(page, "counter-tomorrow")
    sell(page, 1)
    expect(page.locator("#prints")).to_contain_text("Printed")
    first = house.show()["starts_at"][:10]
    assert last_sale(page)["show"]["starts_at"][:10] > first
    page.keyboard.press("Enter")
    page.reload()
    expect(page.locator("#board-title")).not_to_have_text(today)
    with page.expect_response("**/v1/shows/*/seats"):
        page.keyboard.press("PageUp")
    expect(page.locator("#board-title")).to_have_text(today)


def test_whoever_comes_now_is_sold_the_next_show_and_not_the_one_that_has_begun(house, window):
    page = window(house.theatre["counter"])

    def begun(route):
        answer = route.fetch()
        data = answer.json()
        shows = sorted(data["shows"], key=lambda show: show["starts_at"])
        zone = datetime.datetime.fromisoformat(shows[0]["starts_at"]).tzinfo
        shows[0]["starts_at"] = (datetime.datetime.now(zone) - datetime.timedelta(minutes=10)).isoformat(timespec="seconds")
        data["shows"] = shows
        route.fulfill(response=answer, json=data)

    page.route("**/v1/shows", begun)
    sign_in(page, house.staff("counter"))
    expect(page.locator("#shows li").nth(1).locator("[aria-current=true]")).to_be_visible()
    page.keyboard.press("PageUp")
    expect(page.locator("#shows li").first.locator("[aria-current=true]")).to_be_visible()


def test_a_show_that_leaves_the_list_leaves_the_sale_under_way_alone(house, window):
    page = window(house.theatre["counter"])
    sign_in(page, house.staff("counter"))
    title = page.locator("#show-facts").inner_text()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("#received")).to_be_focused()

    def over(route):
        answer = route.fetch()
        data = answer.json()
        data["shows"] = sorted(data["shows"], key=lambda show: show["starts_at"])[1:]
        route.fulfill(response=answer, json=data)

    page.route("**/v1/shows", over)
    look_again(page)
    expect(page.locator("#till-title")).to_have_text("Payment")
    page.locator("#shows button").first.click()
    page.keyboard.press("PageDown")
    expect(page.locator("#till-title")).to_have_text("Payment")
    page.locator("#received").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#till-title")).to_have_text("Sold")
    look_again(page)
    expect(page.locator("#till-title")).to_have_text("Sold")
    page.keyboard.press("Escape")
    look_again(page)
    expect(page.locator("#show-facts")).not_to_have_text(title)
