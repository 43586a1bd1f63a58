"""A door's first five minutes, with its line cut and its program killed in the middle: nothing is lost, nothing is let in twice."""

import re

import pytest
from playwright.sync_api import expect

from door import Door, lock
from house import until
from purchase import buy
from test_doors import burst, expect_verdict, forged, of_another_key
from test_groups import book_known_at

SMALL_PHONE = (360, 740)


@pytest.fixture
def door(house):
    running = Door(house, "Door C")
    yield running
    running.close()


def test_the_first_five_minutes_of_a_door(house, door, window, looks):
    first, second, third, fourth = buy(house, 4)
    door.start()
    door.until_in_touch()
    page = window(door.url, width=390, loses_server=True)
    guarantee = page.locator("#guarantee")
    expect(page.locator("#door")).to_have_text("Door C")
    expect(page.locator("#serves")).to_have_text(re.compile(r"^All screens · \d+ tickets?$"))
    expect(guarantee).to_contain_text("SHARED")
    expect(guarantee).to_contain_text("data")
    # Green, with what it counts.
    burst(page, first)
    expect_verdict(page, "admit", "Welcome")
    expect(page.locator("#level")).to_have_text("SHARED · all doors agree · data 0 s old")
    expect(page.locator("#admitted")).to_have_text(re.compile("[1-9]"))
    # Yellow at another door, with when and where.
    other = window(house.door(1), width=390)
    burst(other, first)
    expect_verdict(other, "already", "Already in")
    expect(other.locator("#first")).to_have_text(re.compile(r"First at .*\d.*, Door C"))
    # The line drops: the banner says what that means, scanning goes on.
    door.line.cut()
    burst(page, second)
    expect_verdict(page, "admit", "Welcome")
    expect(guarantee).to_contain_text("SOLO")
    expect(guarantee).to_contain_text("could also enter at another door")
    expect(page.locator("#level")).to_have_text(re.compile(r"^SOLO · data \d+ (s|min) old$"))
    expect(page.locator("#queued")).to_have_text("1")
    looks.inspect(page, "door-solo")
    looks.inspect_on_a_tablet(page, "door-solo")
    burst(page, second)
    expect_verdict(page, "already", "Already in")
    # The program dies with the answer on its way: the code is kept, over a reload too.
    door.kill()
    burst(page, third)
    expect_verdict(page, "waiting", "Not checked yet")
    expect(guarantee).to_contain_text("NO ANSWER")
    door.start()
    page.reload()
    expect_verdict(page, "admit", "Welcome")
    expect(guarantee).to_contain_text("SOLO")
    until("both entries wait", lambda: door.status()["queued"] >= 2, 10)
    # Back again: everything is delivered, and every door knows.
    door.line.heal()
    until("everything is delivered", lambda: door.status()["queued"] == 0, 20)
    expect(page.locator("#toast")).to_have_text(re.compile(r"^[2-9] delivered, 0 conflicts$"))
    expect(guarantee).to_contain_text("SHARED")
    for code in (second, third):
        burst(other, code)
        expect_verdict(other, "already", "Already in")
        expect(other.locator("#first")).to_contain_text("Door C")
    # A ticket for another screen: where to go.
    door.kill()
    door.start("--screens=200")
    door.until_in_touch()
    page.reload()
    expect(guarantee).to_contain_text("SHARED")
    expect(page.locator("#serves")).to_have_text("Screen 200")
    burst(page, fourth)
    expect(page.locator("#words")).to_have_text(re.compile(r"Screen \d+ →"))
    expect(page.locator("#main")).to_have_attribute("data-verdict", "refuse")


def test_a_page_whose_network_drops_keeps_its_codes(house, door, window):
    good, = buy(house, 1)
    door.start()
    door.until_in_touch()
    page = window(door.url, width=1440, loses_server=True)
    expect(page.locator("#guarantee")).to_contain_text("SHARED")
    page.context.set_offline(True)
    burst(page, good)
    expect_verdict(page, "waiting", "Not checked yet")
    page.context.set_offline(False)
    expect_verdict(page, "admit", "Welcome")


def test_an_entry_is_taken_back_a_seat_looked_up_and_the_settings_locked(house, door, window, looks):
    good, = buy(house, 1)
    door.start()
    door.until_in_touch()
    page = window(door.url, width=1440, refusals={401})
    burst(page, good)
    expect_verdict(page, "admit", "Welcome")
    page.get_by_role("button", name="Take back").click()
    expect_verdict(page, "out", "Taken back")
    burst(page, good)
    expect_verdict(page, "admit", "Welcome")
    burst(page, good)
    expect_verdict(page, "already", "Already in")
    seat = page.locator("#seat strong").text_content()
    # A supervisor lets the bearer in.
    page.get_by_role("button", name="Let in…").click()
    for name, text in [("Your name", "Asha"), ("Reason", "child"), ("Supervisor", "manager"), ("Supervisor's PIN", "0000")]:
        page.locator("#let-in").get_by_label(name, exact=True).fill(text)
    page.locator("#let-in").get_by_role("button", name="Let in").click()
    expect(page.locator("#let-in-fault")).to_contain_text("PIN")
    page.locator("#let-in").get_by_label("Supervisor's PIN").fill(house.staff("manager")["pin"])
    page.locator("#let-in").get_by_role("button", name="Let in").click()
    expect_verdict(page, "admit", "Let in")
    # The seat, for a guest whose code cannot be read.
    page.get_by_role("button", name="Find ticket").click()
    page.locator("#find").get_by_label("Seat, or the short code").fill(seat.lower())
    page.locator("#find").get_by_role("button", name="Find").click()
    expect(page.locator("#found li").first).to_contain_text(f"{seat}: good, in since")
    looks.inspect(page, "door-find")
    looks.inspect_on_a_tablet(page, "door-find")
    page.locator("#find").get_by_role("button", name="Back").click()
    # The settings are locked, over a reload and a restart too, for every page, and scanning is not.
    page.get_by_role("button", name="Lock").click()
    looks.inspect(page, "door-lock")
    page.locator("#lock").get_by_role("button", name="Back").click()
    lock(page)
    other = window(door.url, width=390, loses_server=True)
    expect(other.locator("#sound-key")).to_be_hidden()
    page.reload()
    expect(page.locator("#sound-key")).to_be_hidden()
    looks.inspect_on_a_tablet(page, "door-locked")
    burst(page, good)
    expect_verdict(page, "already", "Already in")
    # The same PIN opens them while the door is alone.
    door.line.cut()
    page.get_by_role("button", name="Unlock").click()
    looks.inspect(page, "door-unlock")
    page.locator("#unlock").get_by_label("PIN", exact=True).fill("1357")
    page.locator("#unlock").get_by_role("button", name="Unlock").click()
    expect(page.locator("#unlock-fault")).to_contain_text("not the PIN")
    page.locator("#unlock").get_by_label("PIN", exact=True).fill("2468")
    page.locator("#unlock").get_by_role("button", name="Unlock").click()
    expect(page.locator("#sound-key")).to_be_visible()
    expect(other.locator("#sound-key")).to_be_visible()
    # A supervisor's does where nobody knows it.
    door.line.heal()
    door.until_in_touch()
    lock(page)
    page.get_by_role("button", name="Unlock").click()
    page.locator("#unlock").get_by_label("Supervisor").fill("manager")
    page.locator("#unlock").get_by_label("PIN", exact=True).fill(house.staff("manager")["pin"])
    page.locator("#unlock").get_by_role("button", name="Unlock").click()
    expect(page.locator("#sound-key")).to_be_visible()


HEARD = """() => {
  window.heard = [];
  navigator.vibrate = (pattern) => heard.push(`buzz ${pattern}`);
  class Node { connect(next) { return next; } }
  class Level extends Node {
    gain = { setValueAtTime() {}, exponentialRampToValueAtTime() {} };
  }
  class Wave extends Node {
    frequency = { set value(hertz) { heard.push(hertz); } };
    start() {}
    stop() {}
  }
  window.AudioContext = class {
    currentTime = 0;
    destination = new Node();
    resume() {}
    createOscillator() { return new Wave(); }
    createGain() { return new Level(); }
  };
}"""


def test_each_verdict_is_heard_and_felt_and_waiting_too(house, door, window):
    good, = buy(house, 1)
    door.start()
    door.until_in_touch()
    page = window(door.url, width=390, loses_server=True)
    page.add_init_script(f"({HEARD})()")
    page.reload()
    expect(page.locator("#guarantee")).to_contain_text("SHARED")
    # Browsers are silent until the page was touched.
    page.locator("#main").click()
    heard = {}
    for kind, code in [("admit", good), ("already", good), ("refuse", forged(good)), ("unknown", of_another_key(good))]:
        page.evaluate("() => heard.splice(0)")
        burst(page, code)
        expect(page.locator("#main")).to_have_attribute("data-verdict", kind)
        heard[kind] = tuple(page.evaluate("() => heard"))
    page.evaluate("() => heard.splice(0)")
    page.route("**/v1/scan", lambda route: route.abort())
    burst(page, good)
    expect_verdict(page, "waiting", "Not checked yet")
    heard["waiting"] = tuple(page.evaluate("() => heard"))
    assert all(any(str(one).startswith("buzz") for one in tones) and len(tones) > 1 for tones in heard.values()), heard
    assert len(set(heard.values())) == len(heard), f"told apart by ear: {heard}"
    # With the sound off nothing is heard.
    page.unroute("**/v1/scan")
    expect_verdict(page, "already", "Already in")
    page.get_by_role("button", name="Sound").click()
    page.evaluate("() => heard.splice(0)")
    burst(page, forged(good))
    expect_verdict(page, "refuse", "Not genuine")
    assert page.evaluate("() => heard") == []


def test_a_door_that_starts_alone_asks_to_look_at_the_date_until_its_box_answers(house, door, window, looks):
    first, second = buy(house, 2)
    door.line.cut()
    door.start()
    page = window(door.url, width=390, loses_server=True)
    expect(page.locator("#clock")).to_have_text(re.compile("^The clock is not verified: look at the date on the ticket"))
    # It knows no key yet that it could check by, until it has been in touch once.
    door.line.heal()
    door.until_in_touch()
    expect(page.locator("#clock")).to_be_hidden()
    door.kill()
    door.line.cut()
    door.start()
    alone = window(door.url, width=390)
    burst(alone, first)
    expect_verdict(alone, "admit", "Welcome")
    expect(alone.locator("#text")).to_contain_text("look at the date on the ticket")
    expect(alone.locator("#clock")).to_be_visible()
    looks.inspect(alone, "door-clock")
    looks.inspect_on_a_tablet(alone, "door-clock")
    door.line.heal()
    door.until_in_touch()
    expect(alone.locator("#clock")).to_be_hidden()
    burst(alone, second)
    expect_verdict(alone, "admit", "Welcome")
    expect(alone.locator("#text")).not_to_contain_text("date")


def test_on_a_small_phone_all_that_a_verdict_says_is_in_view(house, door, window, looks):
    door.start()
    door.until_in_touch()
    good, fresh = buy(house, 2)
    seats, codes = book_known_at(house, door.url, 4)
    page = window(door.url)
    page.set_viewport_size({"width": SMALL_PHONE[0], "height": SMALL_PHONE[1]})

    def expect_all_in_view(name, *more):
        for one in ["#words", "#text", *more]:
            expect(page.locator(one)).to_be_in_viewport(ratio=1)
        cut = page.evaluate("() => [main.scrollHeight, main.clientHeight]")
        assert cut[0] <= cut[1] + 1, f"{name}: {cut}"
        page.screenshot(path=looks.folder / f"door-{name}-small-phone.png")

    burst(page, codes[seats[0]])
    expect_verdict(page, "admit", "Welcome")
    expect_all_in_view("group", "#seat", "#group-key")
    burst(page, codes[seats[0]])
    expect_verdict(page, "already", "Already in")
    expect_all_in_view("yellow", "#seat", "#first", "#level")
    burst(page, forged(good))
    expect_verdict(page, "refuse", "Not genuine")
    expect_all_in_view("red", "#level")
    burst(page, of_another_key(fresh))
    expect_verdict(page, "unknown", "Key not known")
    expect_all_in_view("amber", "#level")
