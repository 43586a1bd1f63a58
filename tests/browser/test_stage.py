"""The stage: everything on one page, the switches, and the truth panel always in sight."""

from playwright.sync_api import expect

from looks import walk_to
from purchase import expect_tickets, open_show_from_city, pay

TRUTHS = [
    "seats_sold_twice",
    "paid_without_ticket",
    "ticket_without_sale",
    "admitted_twice_shared",
    "admitted_twice_solo",
    "entries_unsynced",
    "oldest_unsynced_s",
    "digests_equal",
]


def test_the_stage_shows_every_pane_and_the_whole_truth(house, window, looks):
    page = window(house.stage)
    for key in TRUTHS:
        expect(page.locator(f"[data-truth={key}] dd")).not_to_have_text("–")
    expect(page.frame_locator("#customer iframe").get_by_role("heading", level=1)).to_be_visible()
    expect(page.frame_locator("#counter-1 iframe").locator("#login")).to_be_visible()
    expect(page.frame_locator("#door-1-1 iframe").locator("#words")).to_have_text("Ready")
    expect(page.locator("#counter-1 .link-state")).to_have_text("Live")
    looks.inspect(page, "stage")


def test_a_cut_on_the_stage_is_seen_in_every_pane_and_healed_again(house, window, looks):
    page = window(house.stage)
    expect(page.locator("#counter-1 .link-state")).to_have_text("Live")
    page.locator("#counter-1 [data-cut-mode=clean]").click()
    expect(page.locator("#counter-1 .link-state")).to_have_text("Locked down", timeout=30_000)
    expect(page.frame_locator("#counter-1 iframe").locator("#badge")).to_contain_text("EDGE ONLY")
    looks.inspect(page, "stage-cut")
    page.get_by_role("button", name="Heal").click()
    expect(page.locator("#counter-1 .link-state")).to_have_text("Live", timeout=30_000)
    expect(page.locator("#tape")).to_contain_text("all lines are open")


def test_the_switches_of_the_stage_are_reached_by_keyboard(house, window):
    page = window(house.stage)
    expect(page.locator("#counter-1 .link-state")).to_have_text("Live")
    walk_to(page, "#heal")
    walk_to(page, "#counter-1 [data-cut-mode=clean]", steps_max=200)


def test_a_ticket_bought_in_one_pane_opens_a_door_in_another(house, window):
    show = house.show_of_the_web()
    page = window(house.stage)
    customer = page.frame_locator("#customer iframe")
    expect(customer.get_by_role("heading", level=1)).to_be_visible()
    frame = page.query_selector("#customer iframe").content_frame()
    open_show_from_city(frame, show)
    customer.get_by_role("button", name="Continue").click()
    pay(frame)
    expect_tickets(frame, 2)
    present = page.locator("#door-1-1 .present")
    expect(present).to_be_enabled()
    present.click()
    door = page.frame_locator("#door-1-1 iframe")
    expect(door.locator("#main")).to_have_attribute("data-verdict", "admit")
    page.locator("#door-1-2 .present").click()
    expect(page.frame_locator("#door-1-2 iframe").locator("#main")).to_have_attribute("data-verdict", "already")


def test_after_everything_the_truth_holds(house):
    house.wait_until_settled()
    truth = house.truth()
    assert truth["holds"], truth
    assert truth["seats_sold_twice"] == 0 and truth["admitted_twice_shared"] == 0
