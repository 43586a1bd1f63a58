"""A whole group at the counter, by keyboard: how many, whose, paid once, and on one paper or on a ticket each."""

import re

from playwright.sync_api import expect

from counter import sign_in
from escpos import printed


def test_a_group_is_sold_with_a_supervisors_pin_and_printed_on_one_paper(house, roll, window, looks):
    page = window(house.theatre["counter"], refusals={401, 403, 409})
    sign_in(page, house.staff("counter"))
    with page.expect_response("**/v1/shows/*/seats"):
        page.keyboard.press("PageDown")
    expect(page.locator("#till .quiet, #till .chosen").first).to_be_visible()
    page.keyboard.press("w")
    expect(page.locator("#people")).to_be_focused()
    page.keyboard.type("22")
    page.get_by_label("Whose group").fill("Rex School")
    page.get_by_label("Supervisor").fill("manager")
    page.get_by_label("Their PIN").fill("0000")
    page.keyboard.press("Enter")
    expect(page.locator("#till-problem")).not_to_be_empty()
    expect(page.locator("#people")).to_have_value("22")
    looks.inspect(page, "counter-group")
    page.get_by_label("Their PIN").fill(house.staff("manager")["pin"])
    before = len(roll.papers)
    page.keyboard.press("Enter")
    expect(page.locator("#received")).to_be_focused()
    expect(page.locator("#till .chosen")).to_contain_text("–")
    page.keyboard.press("Enter")
    tickets = page.locator("#till .paper-ticket")
    expect(tickets).to_have_count(22)
    expect(page.locator("#till .chosen")).to_contain_text("Rex School")
    expect(page.locator("#prints")).to_contain_text("Printed")
    papers = roll.papers[before:]
    assert len(papers) == 2, "one paper for all of them, and the receipt"
    words = printed(papers[0]).pieces[0].text
    assert "Rex School" in words and "22 seats" in words and "Row" in words, words
    taxes = [row for row in printed(papers[1]).pieces[0].rows if "GST" in row]
    assert taxes and [row for row in words.splitlines() if "GST" in row] == taxes, "the tax inside, as on the receipt"
    looks.inspect(page, "counter-group-sold")
    page.keyboard.press("p")
    expect(page.locator("#prints")).to_contain_text(re.compile("Printing|Printed"))


def test_two_groups_of_the_same_words_are_two_sales(house, window):
    page = window(house.theatre["counter"])
    sign_in(page, house.staff("manager"))

    def hold_group():
        page.keyboard.press("w")
        expect(page.locator("#people")).to_be_focused()
        page.keyboard.type("3")
        page.get_by_label("Whose group").fill("Two Coaches")
        page.keyboard.press("Enter")
        expect(page.locator("#received")).to_be_focused()
        return page.locator("#till .chosen").inner_text()

    first = hold_group()
    page.keyboard.press("Enter")
    expect(page.locator("#till-title")).to_have_text("Sold")
    page.keyboard.press("Enter")
    expect(page.locator("#till-title")).to_have_text("Sale")
    assert hold_group() != first, "the first coach's seats are offered to the second"
    page.keyboard.press("Escape")
    expect(page.locator("#till-title")).to_have_text("Sale")
    hold_group()
    page.keyboard.press("Enter")
    expect(page.locator("#till-title")).to_have_text("Sold")
    expect(page.locator("#till .paper-ticket")).to_have_count(3)
