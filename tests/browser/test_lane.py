"""The lane goes on: through a drop, a program that fails, a broken store and whatever else stands on the page."""

import re

from playwright.sync_api import expect

from house import request, until
from purchase import buy
from door import lock
from test_doors import burst, expect_verdict, forged

LEVEL = re.compile(r"^SHARED · all doors agree · data \d+ s old$")


def page_of(window, door, **options):
    page = window(door.url, width=390, **options)
    expect(page.locator("#guarantee")).to_contain_text("SHARED")
    return page


def drop(page):
    """Nothing that is asked arrives, but the page itself."""
    page.route("**/v1/*", lambda route: route.abort())


def until_known(door, page):
    seat = page.locator("#seat strong").text_content()
    until("the door knows the seat", lambda: request("GET", f"{door.url}/v1/tickets?seat={seat}")["tickets"], 20)


def test_five_codes_read_in_a_drop_are_all_seen_after_it(house, door, window, looks):
    house.as_manager(f"/v1/shows/{house.show()['id']}/door", {"reentry": True})
    leaver, *guests = buy(house, 4)
    page = page_of(window, door, loses_server=True)
    burst(page, leaver)
    expect_verdict(page, "admit", "Welcome")
    until_known(door, page)
    drop(page)
    burst(page, forged(guests[0]))
    expect_verdict(page, "waiting", "Not checked yet")
    page.get_by_role("button", name="Way out").click()
    burst(page, leaver)
    page.get_by_role("button", name="Way out").click()
    for good in guests:
        burst(page, good)
    page.reload()
    expect_verdict(page, "waiting", "Not checked yet")
    expect(page.locator("#text")).to_contain_text("5 codes kept")
    page.unroute("**/v1/*")
    # What must be looked at stays on the screen; everything is listed, the worst first.
    rows = page.locator("#late-list li strong")
    expect(rows).to_have_text(["Not genuine", "Out", "Welcome", "Welcome", "Welcome"])
    expect(page.locator("#late-text")).to_have_text("5 answers came late: 3 in, 1 out, 1 to look at")
    expect_verdict(page, "refuse", "Not genuine")
    looks.inspect(page, "door-late")
    looks.inspect_on_a_tablet(page, "door-late")
    page.reload()
    expect(rows).to_have_count(5)
    # The guest who went out comes back, which takes nothing from the list.
    burst(page, leaver)
    expect_verdict(page, "admit", "Welcome")
    expect(rows).to_have_count(5)
    page.get_by_role("button", name="Seen").click()
    expect(page.locator("#late")).to_be_hidden()
    page.reload()
    expect(page.locator("#late")).to_be_hidden()


def test_a_code_on_which_the_program_fails_is_put_aside_and_the_next_guest_gets_a_verdict(house, door, window):
    bad, good = buy(house, 2)
    page = page_of(window, door, refusals={500})

    def fails(route):
        broken = {"status": 500, "content_type": "application/problem+json", "body": '{"code":"internal"}'}
        route.fulfill(**broken) if bad in route.request.post_data else route.continue_()

    page.route("**/v1/scan", fails)
    burst(page, bad)
    burst(page, good)
    expect(page.locator("#late-list li strong")).to_have_text(["Not checked", "Welcome"])
    expect_verdict(page, "unknown", "Not checked")


def test_what_a_browser_kept_and_cannot_be_read_stops_no_page(house, door, window):
    good, = buy(house, 1)
    page = page_of(window, door)
    page.evaluate("""() => { localStorage.setItem("kept codes", "{broken"); localStorage.setItem("late verdicts", "7"); }""")
    page.reload()
    burst(page, good)
    expect_verdict(page, "admit", "Welcome")


def test_letters_left_in_the_field_are_no_part_of_the_next_code(house, door, window):
    good, = buy(house, 1)
    page = page_of(window, door)
    page.locator("#code").focus()
    page.keyboard.type("ab")
    page.wait_for_timeout(700)
    burst(page, good)
    expect_verdict(page, "admit", "Welcome")
    expect(page.locator("#code")).to_have_value("")


def test_a_ticket_that_is_read_into_a_dialog_is_a_ticket_and_no_pin(house, door, window):
    first, second = buy(house, 2)
    page = page_of(window, door)
    lock(page)
    page.get_by_role("button", name="Unlock").click()
    page.locator("#unlock").get_by_label("PIN", exact=True).focus()
    page.keyboard.type("47")
    page.wait_for_timeout(700)
    burst(page, first)
    expect_verdict(page, "admit", "Welcome")
    expect(page.locator("#unlock").get_by_label("PIN", exact=True)).to_have_value("47")
    expect(page.locator("#unlock-fault")).to_have_text("")
    # Without an end key too.
    seat = page.locator("#seat strong").text_content()
    page.keyboard.type(second)
    expect(page.locator("#seat")).not_to_contain_text(seat)
    expect_verdict(page, "admit", "Welcome")
    expect(page.locator("#unlock").get_by_label("PIN", exact=True)).to_have_value("47")


def test_a_page_whose_key_is_gone_keeps_its_code_until_it_is_opened_by_the_link(house, door, window):
    good, = buy(house, 1)
    page = page_of(window, door, refusals={401})
    not_known = {"status": 401, "content_type": "application/problem+json", "body": '{"code":"page_not_known","detail":"Open this page by the link."}'}
    page.route("**/v1/scan", lambda route: route.fulfill(**not_known))
    burst(page, good)
    expect_verdict(page, "waiting", "Not checked yet")
    expect(page.locator("#text")).to_contain_text("open it again by the door's link. 1 code kept")
    page.reload()
    expect_verdict(page, "waiting", "Not checked yet")
    page.unroute("**/v1/scan")
    expect_verdict(page, "admit", "Welcome")


def test_an_answer_that_says_nothing_of_the_ticket_is_amber_and_a_full_disk_is_waited_for(house, door, window):
    good, = buy(house, 1)
    page = page_of(window, door, refusals={422, 503})

    def answers(status, code):
        body = f'{{"code":"{code}","detail":"Said the program."}}'
        return lambda route: route.fulfill(status=status, content_type="application/problem+json", body=body)

    page.route("**/v1/scan", answers(422, "bad_scan"))
    burst(page, good)
    expect_verdict(page, "unknown", "Not checked")
    expect(page.locator("#text")).to_have_text("Said the program.")
    page.unroute("**/v1/scan")
    page.route("**/v1/scan", answers(503, "disk_full"))
    burst(page, good)
    expect_verdict(page, "waiting", "Not checked yet")
    # Longer than what a code is asked about on which the program fails.
    page.wait_for_timeout(4500)
    expect_verdict(page, "waiting", "Not checked yet")
    page.unroute("**/v1/scan")
    expect_verdict(page, "admit", "Welcome")


def test_two_pages_of_one_browser_keep_their_codes_side_by_side(house, door, window):
    first_code, second_code = buy(house, 2)
    first = page_of(window, door, loses_server=True)
    second = first.context.new_page()
    second.goto(door.url)
    expect(second.locator("#guarantee")).to_contain_text("SHARED")
    for page, code in [(first, first_code), (second, second_code)]:
        drop(page)
        burst(page, code)
        expect_verdict(page, "waiting", "Not checked yet")
    second.close()
    first.reload()
    expect(first.locator("#text")).to_contain_text("2 codes kept")
    first.unroute("**/v1/*")
    expect(first.locator("#late-text")).to_have_text("2 answers came late: 2 in")
    first.get_by_role("button", name="Seen").click()
    first.reload()
    expect(first.locator("#guarantee")).to_contain_text("SHARED")
    expect(first.locator("#late")).to_be_hidden()


def test_a_copy_of_a_code_that_waits_is_told_so_and_let_in_once(house, door, window):
    good, = buy(house, 1)
    page = page_of(window, door, loses_server=True)
    drop(page)
    burst(page, good)
    expect_verdict(page, "waiting", "Not checked yet")
    burst(page, good)
    expect_verdict(page, "waiting", "Waits already")
    expect(page.locator("#text")).to_contain_text("lets one guest in")
    expect_verdict(page, "waiting", "Not checked yet")
    page.unroute("**/v1/*")
    expect_verdict(page, "admit", "Welcome")
    expect(page.locator("#lines")).to_contain_text("Read 2 times: this is for one guest")


def test_what_the_box_does_not_take_is_said_on_the_page(door, window):
    page = page_of(window, door)
    status = {**door.status(), "refused": 2}
    page.route("**/v1/status", lambda route: route.fulfill(json=status))
    expect(page.locator("#refused")).to_have_text("2 scans the box did not take: call the operator.")
    page.unroute("**/v1/status")
    expect(page.locator("#refused")).to_be_hidden()


def test_every_verdict_says_its_level_and_the_age_of_what_it_was_decided_by(house, door, window):
    house.as_manager(f"/v1/shows/{house.show()['id']}/door", {"reentry": True})
    good, = buy(house, 1)
    page = page_of(window, door)
    level = page.locator("#level")
    burst(page, good)
    expect_verdict(page, "admit", "Welcome")
    expect(level).to_have_text(LEVEL)
    until_known(door, page)
    page.get_by_role("button", name="Way out").click()
    burst(page, good)
    expect_verdict(page, "out", "Out")
    expect(level).to_have_text(LEVEL)
