"""A shift from the counted float to the numbered report, by keyboard."""

import re

from playwright.sync_api import expect

from counter import sell, sign_in


def test_a_supervisor_opens_a_shift_sells_counts_and_reads_the_report(house, window, looks):
    page = window(house.theatre["counter"])
    sign_in(page, house.staff("manager"))
    page.keyboard.press("t")
    expect(page.locator("#open .total")).to_have_text("Counted: ₹0")
    page.locator("#open").get_by_label("How many of ₹100").focus()
    page.keyboard.type("5")
    expect(page.locator("#open .total")).to_have_text("Counted: ₹500")
    looks.inspect(page, "till-float")
    page.keyboard.press("Enter")
    expect(page.locator("#own .report")).to_contain_text("₹500")

    page.goto(house.theatre["counter"])
    expect(page.locator("#till .chosen")).to_be_visible()
    sell(page, 2)
    page.keyboard.press("t")
    expect(page.locator("#own .report")).to_contain_text("1 sale")
    page.get_by_label("Amount").fill("50")
    page.get_by_label("What for").fill("milk")
    page.locator("#cash input[value=out]").check()
    page.get_by_label("What for").press("Enter")
    expect(page.locator("#own .report")).to_contain_text("Paid out")
    looks.inspect(page, "till-shift")

    page.locator("#close summary").click()
    page.locator("#close").get_by_label("How many of ₹100").fill("4")
    looks.inspect(page, "till-count")
    page.locator("#close").get_by_role("button", name="Close the shift").click()
    expect(page.locator("#own .facts h3")).to_contain_text("missing")
    expect(page.locator("#reports .rows")).to_contain_text(re.compile(r"Z \d+: manager"))
    page.get_by_role("button", name="Check the till journal").click()
    expect(page.locator("#checked")).to_contain_text("are as they were written")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Daily collection (CSV)").click()
    assert "serial_from" in saved.value.path().read_text(encoding="utf-8-sig")
    looks.inspect(page, "till-report")
