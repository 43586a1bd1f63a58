"""The counter's page, worked by keys alone as a cashier does."""

import re

from playwright.sync_api import expect


def sign_in(page, staff):
    expect(page.locator("#staff")).to_be_focused()
    page.keyboard.type(staff["name"])
    page.keyboard.press("Tab")
    page.keyboard.type(staff["pin"])
    page.keyboard.press("Enter")
    expect(page.locator("#till .chosen")).to_be_visible()


def tab_to(page, locator, key="Tab", presses_max=80):
    """Goes on with the Tab key, or back with Shift+Tab, until the focus is there."""
    for _ in range(presses_max):
        if locator.evaluate("(node) => node === document.activeElement"):
            break
        page.keyboard.press(key)
    expect(locator).to_be_focused()


def sell(page, count):
    """So many best seats for exact cash; returns their labels."""
    page.keyboard.press(str(count))
    expect(page.locator(".seatmap .seat[aria-checked=true]")).to_have_count(count)
    page.keyboard.press("Enter")
    expect(page.locator("#received")).to_be_focused()
    page.keyboard.press("Enter")
    tickets = page.locator("#till .paper-ticket")
    expect(tickets).to_have_count(count)
    expect(page.locator("#till-title")).to_have_text("Sold")
    return [re.sub(r"\s", "", label) for label in tickets.locator("strong").all_inner_texts()]
