"""Card, UPI, tickets given away and voids with a supervisor's PIN, by keyboard alone."""

import io
import re
from urllib.parse import parse_qs, urlsplit

from PIL import Image
from playwright.sync_api import expect
from pyzbar import pyzbar

from counter import sell, sign_in


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
    page.keyboard.type("42u")
    expect(page.locator(".upi-code")).to_be_visible()
    page.keyboard.press("m")
    expect(page.locator("#received")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#till-title")).to_have_text("Sale")
