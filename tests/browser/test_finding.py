"""A guest comes back: the sale is found by the code, the seat or the ticket, printed again, or taken back, all of it or a part."""

import json

from playwright.sync_api import expect

from counter import sell, sign_in
from test_layouts import LAYOUTS


def last_sale(page):
    return json.loads(page.evaluate("sessionStorage.getItem('last sale')"))


def look_for(page, text):
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def test_a_ticket_that_is_read_where_nobody_asked_for_one_presses_no_keys_and_is_looked_for(house, manager, window):
    page = window(house.theatre["counter"])
    sign_in(page, manager)
    sell(page, 1)
    sale = last_sale(page)
    code, spaced = sale["tickets"][0]["code"], f"{sale['code'][:4]} {sale['code'][4:]}"
    page.keyboard.press("Enter")
    expect(page.locator("#till-title")).to_have_text("Sale")
    read(page, code)
    expect(page.locator("#till-title")).to_have_text("Found")
    expect(page.locator("#till .short-code")).to_have_text(spaced)
    page.keyboard.press("Escape")
    # In the middle of a payment it changes nothing, and says so.
    page.keyboard.press("1")
    expect(page.locator(".seatmap .seat[aria-checked=true]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#received")).to_be_focused()
    page.keyboard.type("500")
    read(page, code)
    expect(page.locator("#till-problem")).to_contain_text("A ticket was read")
    expect(page.locator("#received")).to_have_value("500")
    expect(page.locator("#till-title")).not_to_have_text("Sold")
    page.keyboard.press("Escape")


def test_a_ticket_is_looked_for_on_a_computer_of_another_layout_than_the_readers(house, window):
    page = window(house.theatre["counter"])
    sign_in(page, house.staff("counter"))
    sell(page, 1)
    sale = last_sale(page)
    page.keyboard.press("Enter")
    expect(page.locator("#till-title")).to_have_text("Sale")
    read(page, sale["tickets"][0]["code"], LAYOUTS["French"])
    expect(page.locator("#till-title")).to_have_text("Found")
    expect(page.locator("#till .short-code")).to_have_text(f"{sale['code'][:4]} {sale['code'][4:]}")


def read(page, code, layout=str):
    """As a reader types: all keys within a moment, and Enter."""
    page.wait_for_timeout(100)
    places = [f"Digit{key}" if key.isdigit() else f"Key{key}" for key in code]
    page.evaluate(
        """(keys) => {
            const target = document.activeElement;
            for (const [key, code] of [...keys, ["Enter", "Enter"]]) {
                const pressed = new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true });
                const goes = target.dispatchEvent(pressed);
                if (goes && key.length === 1 && target.matches("input")) target.value += key;
            }
        }""",
        [[layout(key), place] for key, place in zip(code, places, strict=True)],
    )


def test_a_sale_is_found_by_code_seat_and_ticket_and_a_part_of_it_is_voided(house, manager, window, looks):
    page = window(house.theatre["counter"])
    sign_in(page, manager)
    sell(page, 3)
    sale = last_sale(page)
    page.keyboard.press("Enter")
    sell(page, 1)
    page.keyboard.press("g")
    expect(page.locator(".found").first).to_contain_text("Row")
    expect(page.get_by_role("heading", name="Your last sales")).to_be_visible()
    looks.inspect(page, "find-last-sales")
    code = sale["code"]
    for text in [f"{code[:4]} {code[4:]}".lower(), sale["tickets"][1]["seat"], sale["tickets"][2]["code"]]:
        look_for(page, text)
        expect(page.locator("#till-title")).to_have_text("Found")
        expect(page.locator("#till .short-code")).to_have_text(f"{code[:4]} {code[4:]}")
    looks.inspect(page, "find-found")
    page.reload()
    expect(page.locator("#till-title")).to_have_text("Found")

    page.keyboard.press("v")
    expect(page.locator("[name=ticket]:checked")).to_have_count(3)
    whole = page.locator("#till p[role=status]").inner_text()
    page.locator("[name=ticket]").nth(1).focus()
    page.keyboard.press("Space")
    expect(page.locator("#till p[role=status]")).not_to_have_text(whole)
    looks.inspect(page, "void-a-part")
    page.locator("#void-yes").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#till-problem")).to_contain_text("A part of")
    look_for(page, code)
    states = page.locator(".paper-ticket .ticket-state")
    expect(states).to_have_text(["Void", "Void"])
    page.keyboard.press("v")
    expect(page.locator("[name=ticket]:checked")).to_have_count(1)
    expect(page.locator("[name=ticket]:disabled")).to_have_count(2)
    page.locator("#void-yes").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#till-problem")).to_contain_text("is void")
    look_for(page, code)
    expect(states).to_have_count(3)
    expect(page.get_by_role("button", name="Void")).to_have_count(0)

    page.goto(house.theatre["counter"] + "/house")
    done = page.locator("#answered .rows li").filter(has_text=code)
    expect(done).to_have_count(3)
    expect(done.first).to_contain_text("Guest changed their mind. manager.")
    looks.inspect(page, "house-who-did-what")


def test_what_is_not_there_is_told_and_a_booking_made_online_is_not_this_counters(house, window, looks):
    page = window(house.theatre["counter"])
    sign_in(page, house.staff("counter"))
    look_for(page, "ZZZZ 9999")
    expect(page.locator("#till-problem")).to_contain_text("No such sale")
    expect(page.locator("#find")).to_be_focused()
    looks.inspect(page, "find-nothing")


def test_a_void_that_waits_for_the_doors_tells_how_it_ended(house, manager, window, looks):
    page = window(house.theatre["counter"])
    sign_in(page, manager)
    sell(page, 2)
    sale = last_sale(page)
    # The box answers as it does while a door has not said that it knows.
    told = {"states": ["void_requested", "void_requested"], "refunds": []}

    def as_told(route):
        found = {**sale, "staff": "manager", "sold_at": sale["show"]["starts_at"]}
        prices = [line["price"] for line in sale["lines"]]
        found["tickets"] = [
            {**ticket, "price": price, "state": state}
            for ticket, price, state in zip(sale["tickets"], prices, told["states"], strict=True)
        ]
        waits = "void_requested" in told["states"]
        listed = "list=waiting" in route.request.url
        route.fulfill(json={"sales": [found] if waits or not listed else [], "online": None})

    page.route("**/v1/sales?list=waiting", as_told)
    page.route("**/v1/sales?code=*", as_told)
    page.route("**/v1/sales/*/void", lambda route: route.fulfill(json={"state": "void_requested"}))

    def refunds_as_told(route):
        if route.request.method == "GET":
            return route.fulfill(json={"refunds": told["refunds"]})
        told["given"], told["refunds"] = route.request.post_data_json, []
        return route.fulfill(json={"given": sale["lines"][1]["price"]})

    page.route("**/v1/refunds", refunds_as_told)
    page.keyboard.press("v")
    page.locator("[name=paper]").focus()
    page.keyboard.press("Space")
    page.locator("#void-yes").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#till-problem")).to_contain_text("is not void yet")
    expect(page.locator("#voids")).to_contain_text("Give nothing back before")
    looks.inspect(page, "void-waits")
    told["states"] = ["admitted", "void"]
    ended = sale["tickets"][1]
    told["refunds"] = [
        {
            **{name: ended[name] for name in ("ticket", "seat", "serial")},
            **{name: sale[name] for name in ("sale", "code", "show")},
            "amount": sale["lines"][1]["price"],
            "since": sale["show"]["starts_at"],
        }
    ]
    expect(page.locator("#voids")).to_contain_text("was used at the door", timeout=20_000)
    refunds = page.locator("#refunds")
    expect(refunds).to_contain_text(f"paper {ended['serial']}, since", timeout=20_000)
    looks.inspect(page, "void-ended")
    page.locator("#voids").get_by_role("button", name="Done").press("Enter")
    expect(page.locator("#voids")).to_be_empty()
    refunds.get_by_role("button", name="handed over").press("Enter")
    expect(page.locator("#till-problem")).to_contain_text("It has left your drawer")
    expect(refunds).to_be_empty()
    assert told["given"] == {"tickets": [ended["ticket"]]}


def test_the_screen_is_no_way_around_a_duplicate(house, window):
    page = window(house.theatre["counter"])
    sign_in(page, house.staff("counter"))
    sell(page, 1)
    page.emulate_media(media="print")
    expect(page.locator("#till")).to_be_hidden()
    expect(page.locator(".only-on-paper")).to_be_visible()
    page.emulate_media(media="screen")
    expect(page.locator(".only-on-paper")).to_be_hidden()
