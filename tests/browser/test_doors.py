"""The doors: green, yellow and red, from a hand scanner that types and from the field."""

import base64
import uuid

from playwright.sync_api import expect

from looks import FIRST_VIEW_BYTES_MAX, SMALL_TABLET, first_view_bytes, walk_to
from purchase import buy


def burst(page, code):
    """What a hand scanner does: types the code in one go and presses Enter."""
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def expect_verdict(page, kind, words):
    expect(page.locator("#main")).to_have_attribute("data-verdict", kind)
    expect(page.locator("#words")).to_have_text(words)


def test_a_door_shows_green_then_yellow_then_red(house, window, looks):
    good, = buy(house, 1)
    page = window(house.door(0), width=390)
    expect(page.locator("#guarantee")).to_contain_text("SHARED")
    looks.inspect(page, "door-idle")
    looks.inspect_on_a_tablet(page, "door-idle")
    burst(page, good)
    expect_verdict(page, "admit", "Welcome")
    looks.inspect(page, "door-green")
    looks.inspect_on_a_tablet(page, "door-green")
    burst(page, good)
    expect_verdict(page, "already", "Already in")
    expect(page.locator("#first")).to_contain_text("Door A")
    looks.inspect(page, "door-yellow")
    looks.inspect_on_a_tablet(page, "door-yellow")
    burst(page, forged(good))
    expect_verdict(page, "refuse", "Not genuine")
    looks.inspect(page, "door-red")
    looks.inspect_on_a_tablet(page, "door-red")


def test_a_ticket_bought_during_a_cut_is_green_once_and_yellow_at_the_other_door(house, window):
    house.cut()
    good, = buy(house, 1)
    first, second = window(house.door(0), width=390), window(house.door(1), width=390)
    burst(first, good)
    expect_verdict(first, "admit", "Welcome")
    burst(second, good)
    expect_verdict(second, "already", "Already in")
    expect(second.locator("#first")).to_contain_text("Door A")


def test_a_code_typed_by_hand_in_lower_case_is_understood(house, window):
    good, = buy(house, 1)
    page = window(house.door(0))
    walk_to(page, "#code")
    page.locator("#code").fill(good.lower())
    page.keyboard.press("Enter")
    expect_verdict(page, "admit", "Welcome")


def test_a_reader_that_stalls_in_the_middle_of_a_code_is_understood_in_the_end(house, window):
    good, = buy(house, 1)
    page = window(house.door(0))
    page.keyboard.type(good[:130])
    expect_verdict(page, "refuse", "Not a ticket")
    page.keyboard.type(good[130:])
    page.keyboard.press("Enter")
    expect_verdict(page, "admit", "Welcome")


def test_an_enter_that_comes_late_does_not_scan_the_code_again(house, window):
    good, = buy(house, 1)
    page = window(house.door(0))
    page.keyboard.type(good)
    expect_verdict(page, "admit", "Welcome")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    expect_verdict(page, "admit", "Welcome")


def test_a_text_that_is_no_ticket_is_red_and_says_so(house, window):
    page = window(house.door(0))
    burst(page, uuid.uuid4().hex.upper())
    expect_verdict(page, "refuse", "Not a ticket")


def test_a_ticket_by_a_key_nobody_here_knows_is_amber_and_not_called_false(house, window, looks):
    good, = buy(house, 1)
    page = window(house.door(0), width=390)
    burst(page, of_another_key(good))
    expect_verdict(page, "unknown", "Key not known")
    looks.inspect(page, "door-amber")
    looks.inspect_on_a_tablet(page, "door-amber")


def test_on_a_small_tablet_lying_down_everything_that_a_guest_may_need_is_there(house, window, looks):
    good, = buy(house, 1)
    page = window(house.door(0))
    width, height = SMALL_TABLET
    page.set_viewport_size({"width": width, "height": height})
    burst(page, good)
    expect_verdict(page, "admit", "Welcome")
    for name in ["Take back", "Find ticket", "Way out", "Lock"]:
        expect(page.get_by_role("button", name=name)).to_be_in_viewport()
    looks.inspect_on_a_tablet(page, "door-green-small", SMALL_TABLET)
    burst(page, good)
    expect_verdict(page, "already", "Already in")
    expect(page.get_by_role("button", name="Let in…")).to_be_in_viewport()
    looks.inspect_on_a_tablet(page, "door-yellow-small", SMALL_TABLET)


def test_which_way_codes_are_read_is_said_where_a_verdict_would_be(door, window):
    page = window(door.url, width=390)
    expect(page.locator("#words")).to_have_text("Ready")
    page.get_by_role("button", name="Way out").click()
    expect_verdict(page, "idle", "Way out")
    expect(page.locator("#text")).to_contain_text("Nobody is let in")
    page.get_by_role("button", name="Way out").click()
    expect_verdict(page, "idle", "Ready")


def test_the_first_view_of_a_door_is_light(house, chromium):
    size = first_view_bytes(chromium, house.door(0))
    assert 0 < size <= FIRST_VIEW_BYTES_MAX, f"the door takes {size / 1024:.0f} KB"


def forged(code):
    """The same ticket with one bit of its signature turned."""
    raw = bytearray(base64.b32decode(code + "=" * (-len(code) % 8)))
    raw[-1] ^= 1
    return base64.b32encode(bytes(raw)).decode().rstrip("=")


def of_another_key(code):
    """The same ticket by a key that no certificate is known of."""
    raw = bytearray(base64.b32decode(code + "=" * (-len(code) % 8)))
    raw[1] ^= 0xFF
    return base64.b32encode(bytes(raw)).decode().rstrip("=")
