"""Another cashier takes over a window, and a window that nobody is at locks itself: what was chosen is still there."""

import pytest
from playwright.sync_api import expect

from counter import sign_in
from house import until

# A bound that a slow machine keeps too; the figure is printed.
SWITCH_MS_MAX = 1_000

# When the last key of the PIN went down, and when the map with the chosen seats was drawn again.
WATCH = """() => {
  window.pressed = null;
  document.addEventListener("keydown", (event) => event.key === "Enter" && (window.pressed ??= Date.now()), { capture: true });
}"""
DRAWN = """() => {
  const chosen = document.querySelectorAll("#hall:not([hidden]) .seatmap .seat[aria-checked=true]").length;
  return window.pressed !== null && chosen === 3 && Date.now() - window.pressed;
}"""


def choose_three(page):
    page.keyboard.press("3")
    expect(page.locator(".seatmap .seat[aria-checked=true]")).to_have_count(3)
    return page.locator("#till .chosen").inner_text()


def test_another_cashier_is_in_within_a_second_and_finds_the_basket(house, window, looks):
    # What the page asked for whoever locks it at once is answered to nobody.
    page = window(house.theatre["counter"], refusals={401})
    for name in ["manager", "counter"]:
        sign_in(page, house.staff(name))
        if name == "manager":
            page.keyboard.press("l")
            page.locator("#staff").fill("")
    chosen = choose_three(page)
    page.keyboard.press("l")
    expect(page.locator("#pin")).to_be_focused()
    expect(page.locator("#hall")).to_be_hidden()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#staff")).to_have_value("manager")
    looks.inspect(page, "counter-switch")
    page.keyboard.type(house.staff("manager")["pin"])
    page.evaluate(WATCH)
    page.keyboard.press("Enter")
    took = page.wait_for_function(DRAWN, polling="raf").json_value()
    print(f"cashier switched in {took:.0f} ms from the last key of the PIN to the chosen seats")
    assert took < SWITCH_MS_MAX
    expect(page.locator("#lock")).to_contain_text("manager")
    expect(page.locator("#till .chosen")).to_have_text(chosen)


def test_a_window_that_nobody_is_at_locks_itself_and_keeps_the_basket(house, window):
    page = window(house.theatre["counter"])
    page.clock.install()
    page.reload()
    sign_in(page, house.staff("counter"))
    chosen = choose_three(page)
    page.clock.fast_forward("04:30")
    page.keyboard.press("Shift")
    page.clock.fast_forward("04:30")
    expect(page.locator("#hall")).to_be_visible()
    page.clock.fast_forward("00:40")
    expect(page.locator("#login-problem")).to_contain_text("Nobody was at the keys")
    expect(page.locator("#hall")).to_be_hidden()
    page.keyboard.type(house.staff("counter")["pin"])
    page.keyboard.press("Enter")
    expect(page.locator("#till .chosen")).to_have_text(chosen)


@pytest.mark.parametrize(("path", "asked"), [("/house", "**/v1/unwitnessed"), ("/till", "**/v1/shifts")])
def test_a_late_answer_for_whoever_was_in_before_signs_nobody_out(house, manager, window, path, asked):
    page = window(house.theatre["counter"], refusals={401})
    sign_in(page, manager)
    late = []
    page.route(asked, lambda route: route.continue_() if late else late.append(route))
    page.goto(house.theatre["counter"] + path)
    until("the page has asked", lambda: late or page.wait_for_timeout(50), 10)
    page.locator("#lock").click()
    page.locator("#staff").fill(manager["name"])
    page.locator("#pin").fill(manager["pin"])
    page.locator("#pin").press("Enter")
    expect(page.locator("#parts")).to_be_visible()
    over = {"status": 401, "content_type": "application/problem+json", "body": '{"code": "login_required"}'}
    with page.expect_response(lambda response: response.status == 401):
        late[0].fulfill(**over)
    page.wait_for_timeout(200)
    expect(page.locator("#parts")).to_be_visible()
    expect(page.locator("#login")).to_be_hidden()
