"""What the house sets for its doors: which of them count, and whether guests may come back."""

from playwright.sync_api import expect

from house import until
from purchase import buy
from test_doors import burst, expect_verdict


def house_page(house, window):
    page = window(house.theatre["counter"] + "/house", width=1440)
    page.locator("#login").get_by_label("Name").fill("manager")
    page.locator("#login").get_by_label("PIN").fill(house.staff("manager")["pin"])
    page.keyboard.press("Enter")
    return page


def test_a_door_declared_off_lets_nobody_in_until_it_is_on_again(house, door, window, looks):
    good, = buy(house, 1)
    page = window(door.url, width=390)
    office = house_page(house, window)
    devices = office.locator("#witness")
    devices.get_by_role("button", name="Declare Door C off").click()
    expect(devices).to_contain_text("declared off by manager")
    expect(page.locator("#guarantee")).to_contain_text("OFF", timeout=15_000)
    burst(page, good)
    expect_verdict(page, "unknown", "Declared off")
    expect(page.locator("#text")).to_contain_text("another door")
    looks.inspect(page, "door-off")
    looks.inspect_on_a_tablet(page, "door-off")
    looks.inspect(office, "house-doors")
    devices.get_by_role("button", name="Declare Door C on").click()
    expect(page.locator("#guarantee")).to_contain_text("SHARED", timeout=15_000)
    burst(page, good)
    expect_verdict(page, "admit", "Welcome")


def test_a_manager_says_of_which_show_guests_may_come_back(house, door, window, looks):
    good, other = buy(house, 2)
    page = window(door.url, width=390, refusals={409})
    burst(page, good)
    expect_verdict(page, "admit", "Welcome")
    show = page.locator("#seat").text_content()
    page.get_by_role("button", name="Way out").click()
    burst(page, good)
    expect_verdict(page, "refuse", "No coming back")
    expect(page.locator("#text")).to_contain_text("does not let people back")
    # Every show of the day, for the page names them by title and screen only.
    office = house_page(house, window)
    part = office.locator("#wayout")
    shows = part.get_by_label("Show")
    expect(shows.locator("option").first).to_be_attached()
    title = show.split(" · ")[-1]
    for value in shows.locator("option", has_text=title).evaluate_all("all => all.map((one) => one.value)"):
        shows.select_option(value)
        expect(part.get_by_label("Guests may go out")).not_to_be_checked()
        part.get_by_label("Whoever goes out").check()
        expect(office.locator("#said")).to_contain_text("counted out and stays out")
    looks.inspect(office, "house-way-out")
    until("the door counts out", lambda: out(page, good), 10)
    expect(page.locator("#text")).to_contain_text("nobody comes back in")
    page.get_by_role("button", name="Way out").click()
    burst(page, good)
    expect_verdict(page, "already", "Already in")
    burst(page, other)
    expect_verdict(page, "admit", "Welcome")
    page.get_by_role("button", name="Way out").click()
    for value in shows.locator("option", has_text=title).evaluate_all("all => all.map((one) => one.value)"):
        shows.select_option(value)
        expect(part.get_by_label("Whoever goes out")).to_be_checked()
        part.get_by_label("Guests may go out").check()
        expect(office.locator("#said")).to_contain_text("may go out")
    until("the door has heard", lambda: out(page, other) and "may enter again" in page.locator("#text").text_content(), 10)
    page.get_by_role("button", name="Way out").click()
    burst(page, other)
    expect_verdict(page, "admit", "Welcome")


def out(page, code):
    burst(page, code)
    page.wait_for_timeout(500)
    return page.locator("#main").get_attribute("data-verdict") == "out"
