"""The house's page and the day's: what a supervisor settles, what only this box knows of, and what counter and web took."""

import re
import uuid
from datetime import datetime, timedelta, timezone

import pytest
from playwright.sync_api import expect

from counter import sell, sign_in
from house import request, until
from purchase import open_show, pay
from test_finding import last_sale


def scan(code, before_s):
    """An admission that a door decided alone, some seconds ago."""
    at = (datetime.now(timezone.utc) - timedelta(seconds=before_s)).isoformat(timespec="seconds").replace("+00:00", "Z")
    local = {"verdict": "admit", "code": "ok", "guarantee": "SOLO"}
    return {"id": uuid.uuid4().hex, "code": code, "at": at, "door": "Door X", "local": local}


@pytest.fixture
def scanner(house):
    """A scanner that no program stands behind: its number and its token."""
    number, pair_url = house.add_scanner("Door X")
    yield number, request("POST", pair_url)["token"]
    house.declare_off(number)


def test_what_two_doors_tell_differently_is_listed_with_both_sides_and_settled(house, scanner, manager, window, looks):
    page = window(house.theatre["counter"])
    sign_in(page, manager)
    sell(page, 1)
    code = last_sale(page)["tickets"][0]["code"]
    request("POST", f"{house.theatre['counter']}/v1/door/scans", [scan(code, 60), scan(code, 30)], scanner[1])
    page.goto(house.theatre["counter"] + "/house")
    # Other tests leave stories of other doors.
    story = page.locator(".story").filter(has_text="One ticket let in twice").filter(has_text="Door X").first
    expect(story).to_contain_text("The book")
    expect(story).to_contain_text("The door")
    expect(story.locator(".sides")).to_contain_text("Let in at Door X")
    expect(story.locator(".proposed")).to_be_visible()
    expect(page.locator("#settle-title")).to_contain_text("To settle: ")
    looks.inspect(page, "house-to-settle")
    before = page.locator(".story").count()
    story.get_by_label("What was done").fill("both guests were asked")
    story.get_by_label("What was done").press("Enter")
    expect(page.locator(".story")).to_have_count(before - 1)
    page.get_by_label("Settled ones too").check()
    settled = page.locator(".story").filter(has_text="both guests were asked")
    expect(settled).to_contain_text("Settled by manager")
    looks.inspect(page, "house-settled")


def test_sales_that_nobody_else_keeps_are_listed_until_the_line_is_back(house, scanner, manager, window, looks):
    devices = request("GET", f"{house.theatre['counter']}/v1/devices", token=house.token("manager"))["devices"]
    named = next(device["device"] for device in devices if device["witness"])
    house.as_manager(f"/v1/devices/{scanner[0]}/witness", {})
    try:
        page = window(house.theatre["counter"])
        sign_in(page, manager)
        house.cut()
        sell(page, 2)
        code = last_sale(page)["code"]
        page.goto(house.theatre["counter"] + "/house")
        row = page.locator("#unwitnessed .rows li").filter(has_text=f"{code[:4]} {code[4:]}")
        expect(row).to_contain_text("manager")
        expect(row).to_contain_text("Row")
        looks.inspect(page, "house-unwitnessed")
        house.heal()
        expect(page.locator("#unwitnessed .rows")).to_contain_text("None")
    finally:
        house.as_manager(f"/v1/devices/{named}/witness", {})


def test_the_day_tells_counter_and_web_apart(house, manager, window, looks):
    customer = window(house.customer)
    open_show(customer, house, house.show())
    customer.get_by_role("button", name="Continue").click()
    expect(customer.locator("#left")).to_contain_text(":")
    pay(customer)
    page = window(house.theatre["counter"])
    sign_in(page, manager)
    sell(page, 2)
    until("the box knows of the web's tickets", lambda: request("GET", f"{house.theatre['counter']}/v1/day", token=house.token("manager"))["web"]["sold"] >= 2, 20)
    page.goto(house.theatre["counter"] + "/till")
    taken = page.locator("#day dl")
    expect(taken).to_contain_text("Cash")
    expect(taken).to_contain_text("Online")
    expect(page.locator("#day tbody tr").first).to_be_visible()
    looks.inspect(page, "till-day")


def test_staff_and_printers_are_listed_and_a_manager_adds_somebody(house, manager, window, looks):
    page = window(house.theatre["counter"], refusals={422})
    sign_in(page, manager)
    page.goto(house.theatre["counter"] + "/house")
    expect(page.locator("#printers .rows")).to_contain_text("roll")
    people = page.locator("#people .rows")
    expect(people).to_contain_text("counter")
    form = page.locator("#people form")
    form.get_by_label("Name").fill("Window 2")
    form.get_by_label("PIN").fill("12")
    form.get_by_label("Role").select_option("cashier")
    form.get_by_role("button").click()
    expect(form.locator("[role=alert]")).to_contain_text("4 to 12 digits")
    form.get_by_label("PIN").fill("998877")
    form.get_by_role("button").click()
    expect(people).to_contain_text("Window 2")
    looks.inspect(page, "house-staff")
    page.goto(house.theatre["counter"])
    page.keyboard.press("l")
    page.locator("#staff").fill("")
    sign_in(page, {"name": "Window 2", "pin": "998877"})


def test_prices_are_told_with_the_moment_since_which_they_hold(house, manager, window, looks):
    page = window(house.theatre["counter"])
    sign_in(page, manager)
    page.goto(house.theatre["counter"] + "/house")
    part = page.locator("#prices")
    part.get_by_label("Day").fill(house.show()["starts_at"][:10])
    part.get_by_label("Day").press("Tab")
    told = part.locator("tbody tr")
    expect(told.filter(has_text=house.show()["movie"]["title"]).first).to_contain_text(re.compile(r"₹[\d,]+.*(am|pm).*the first price"))
    shows = request("GET", f"{house.theatre['counter']}/v1/prices?date={house.show()['starts_at'][:10]}", token=house.token("manager"))["shows"]
    expect(told).to_have_count(sum(len(show["categories"]) for show in shows))
    looks.inspect(page, "house-prices")
