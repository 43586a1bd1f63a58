"""Card, UPI, tickets given away and voids with a supervisor's PIN, by keyboard alone."""

import io
import re
from urllib.parse import parse_qs, urlsplit

from PIL import Image
from playwright.sync_api import expect
from pyzbar import pyzbar

from counter import sell, sign_in
from house import request


def to_payment(page, count):
    page.keyboard.press(str(count))
    expect(page.locator(".seatmap .seat[aria-checked=true]")).to_have_count(count)
    page.keyboard.press("Enter")
    expect(page.locator("#received")).to_be_focused()


def approve(page, staff, pin=None):
    expect(page.locator("[name=approver]")).to_be_visible()
    page.locator("[name=approver]").focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(staff["name"])
    page.keyboard.press("Tab")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(pin or staff["pin"])
    page.keyboard.press("Enter")


def test_a_card_and_a_upi_payment_are_recorded_and_verified_later(house, window, looks):
    page = window(house.theatre["counter"])
    sign_in(page, house.staff("counter"))
    expect(page.locator("#badge")).not_to_have_text("…")
    told = page.locator("#to-verify").inner_text()
    before = int(re.search(r"\d+", told).group()) if told else 0
    to_payment(page, 2)
    page.keyboard.press("c")
    expect(page.locator("[name=digits]")).to_be_focused()
    page.keyboard.type("4242")
    page.keyboard.press("Tab")
    page.keyboard.type("c0ffee")
    looks.inspect(page, "payment-card")
    page.keyboard.press("Enter")
    expect(page.locator("#till-title")).to_have_text("Sold")
    card = page.locator("#till .short-code").inner_text().replace(" ", "")

    page.keyboard.press("Enter")
    expect(page.locator("#till-title")).to_have_text("Sale")
    to_payment(page, 1)
    page.keyboard.press("u")
    code = page.locator(".upi-code svg")
    expect(code).to_be_visible()
    looks.inspect(page, "payment-upi")
    found = pyzbar.decode(Image.open(io.BytesIO(code.screenshot())), symbols=[pyzbar.ZBarSymbol.QRCODE])
    asked = parse_qs(urlsplit(found[0].data.decode()).query)
    due = page.locator("#till .total strong").first.inner_text()
    assert f"{float(asked['am'][0]):.0f}" == due.replace("₹", "").replace(",", ""), (asked, due)
    assert asked["cu"] == ["INR"] and asked["pa"] == ["box.office@example"]
    page.keyboard.press("Enter")
    expect(page.locator("#till-title")).to_have_text("Sold")
    expect(page.locator("#to-verify")).to_have_text(f": {before + 2} to verify")
    page.keyboard.press("l")

    page = window(house.theatre["counter"] + "/till", refusals={422})
    page.locator("#staff").fill(house.staff("manager")["name"])
    page.locator("#pin").fill(house.staff("manager")["pin"])
    page.keyboard.press("Enter")
    rows = page.locator("#slips .rows li")
    expect(rows).to_have_count(before + 2)
    expect(rows.nth(before)).to_contain_text("ends in 4242, approval C0FFEE")
    expect(rows.nth(before)).to_contain_text(card)
    looks.inspect(page, "till-verify")
    page.get_by_role("button", name="Paid").press("Enter")
    expect(page.locator("#slips [role=alert]")).to_contain_text("Which ones?")
    page.get_by_label(f"All {before + 2}").press("Space")
    page.get_by_role("button", name="Missing").press("Enter")
    expect(page.locator("#slips [role=alert]")).to_contain_text("missing money")
    page.get_by_role("button", name="Paid").press("Enter")
    expect(page.locator("#slips .none")).to_be_visible()


def test_a_cashier_gives_away_and_voids_with_a_managers_pin(house, window, looks):
    page = window(house.theatre["counter"], refusals={401})
    sign_in(page, house.staff("counter"))
    to_payment(page, 1)
    page.keyboard.press("f")
    expect(page.locator("#reason")).to_be_focused()
    page.keyboard.type("press")
    approve(page, house.staff("manager"), "0000")
    expect(page.locator("#till-problem")).to_contain_text("PIN")
    looks.inspect(page, "payment-free")
    approve(page, house.staff("manager"))
    expect(page.locator("#till-title")).to_have_text("Sold")
    expect(page.locator("#till .give-back")).to_contain_text("Free")

    page.keyboard.press("Enter")
    expect(page.locator("#till-title")).to_have_text("Sale")
    sell(page, 1)
    page.keyboard.press("v")
    expect(page.locator("[name=approver]")).to_be_focused()
    looks.inspect(page, "void-with-pin")
    approve(page, house.staff("manager"))
    expect(page.locator("#till-problem")).to_contain_text("is void")


def test_letters_choose_the_tender_and_money_is_one_of_them(house, window):
    page = window(house.theatre["counter"])
    sign_in(page, house.staff("counter"))
    to_payment(page, 1)
    page.keyboard.press("c")
    expect(page.locator("[name=digits]")).to_be_focused()
    page.keyboard.type("42")
    page.keyboard.press("u")
    expect(page.locator(".upi-code")).to_be_visible()
    page.keyboard.press("m")
    expect(page.locator("#received")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#till-title")).to_have_text("Sale")


RENEWED = re.compile(r"/v1/holds/([0-9a-f]{32})$")


def test_seats_stay_held_while_the_guest_pays_and_nobody_is_at_the_keys(house, window):
    # A renewal that is under way when the sale is made finds no hold any more.
    page = window(house.theatre["counter"], refusals={404})
    page.clock.install()
    page.reload()
    sign_in(page, house.staff("counter"))
    to_payment(page, 1)
    page.keyboard.press("u")
    expect(page.locator(".upi-code svg")).to_be_visible()
    for _ in range(2):
        with page.expect_request(lambda sent: sent.method == "POST" and RENEWED.search(sent.url)):
            page.clock.fast_forward("00:40")
    page.keyboard.press("Enter")
    expect(page.locator("#till-title")).to_have_text("Sold")


def test_a_payment_whose_seats_are_gone_is_told_and_listed_as_paid_and_not_sold(house, window, looks):
    page = window(house.theatre["counter"], refusals={404, 409, 410})
    sign_in(page, house.staff("counter"))
    with page.expect_response(re.compile(r"/v1/shows/[^/]+/holds$")) as held:
        to_payment(page, 2)
    hold = held.value.json()
    page.keyboard.press("u")
    expect(page.locator(".upi-code svg")).to_be_visible()
    request("DELETE", f"{house.theatre['counter']}/v1/holds/{hold['hold']}", token=house.token("counter"))
    page.keyboard.press("Enter")
    problem = page.locator("#till-problem")
    expect(problem).to_contain_text("Paid, but nothing was sold")
    expect(problem).to_contain_text(hold["hold"])
    looks.inspect(page, "payment-unsold")
    expect(page.locator("#till-title")).to_have_text("Sale")
    page.keyboard.press("l")

    page = window(house.theatre["counter"] + "/till")
    expect(page.locator("#staff")).to_be_focused()
    page.keyboard.type("manager")
    page.keyboard.press("Tab")
    page.keyboard.type(house.staff("manager")["pin"])
    page.keyboard.press("Enter")
    unsold = page.locator("#slips .rows li").filter(has_text="Paid, not sold")
    expect(unsold).to_have_count(1)
    expect(unsold).to_contain_text(hold["hold"])
    looks.inspect(page, "till-unsold")
    settled = house.as_manager("/v1/slips/settlement", {"sales": [hold["hold"]], "outcome": "paid", "note": "paid back by UPI"})
    assert settled == {"settled": 1}


def test_a_letter_is_a_command_in_a_field_of_digits_too(house, window):
    page = window(house.theatre["counter"], refusals={401})
    sign_in(page, house.staff("counter"))
    to_payment(page, 1)
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    for other in "ros":
        page.keyboard.press(other)
    expect(page.locator("#received")).to_have_value(re.compile(r"^[\d.]+$"))
    page.keyboard.press("c")
    expect(page.locator("[name=digits]")).to_be_focused()
    page.keyboard.type("42")
    page.keyboard.press("l")
    expect(page.locator("#pin")).to_be_focused()
    expect(page.locator("#hall")).to_be_hidden()
    page.keyboard.type(house.staff("counter")["pin"])
    page.keyboard.press("Enter")
    expect(page.locator("#till-title")).to_have_text("Payment")
