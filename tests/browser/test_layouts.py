"""A hand scanner types as if on the keyboard it was made for; what arrives depends on the computer's layout. Every ticket is read."""

import pytest
from playwright.sync_api import expect

from purchase import buy
from test_doors import expect_verdict

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
AZERTY = str.maketrans("AQZWM234567", "qawz,é\"'(-è")
QWERTZ = str.maketrans("YZ", "ZY")
DEVANAGARI = str.maketrans(LETTERS + "234567", "".join(chr(0x0905 + at) for at in range(32)))
LAYOUTS = {
    "French": lambda key: key.translate(AZERTY).lower(),
    "French with caps lock": lambda key: key.translate(AZERTY).upper(),
    "German": lambda key: key.translate(QWERTZ),
    "Devanagari": lambda key: key.translate(DEVANAGARI),
    "a key of several letters": lambda key: {"J": "ज्ञ", "T": "त्र"}.get(key, key),
    "caps lock": str.lower,
    "dead keys": lambda key: "Dead" if key in "EO" else key,
}


def burst(page, code, layout, end="Enter", keypad=False):
    """What the browser tells of a hand scanner's keys: what each means in this layout, and where it lies."""
    wire = page.context.new_cdp_session(page)
    for character in code:
        digit = "Numpad" if keypad else "Digit"
        place = f"{digit}{character}" if character.isdigit() else f"Key{character}"
        key = layout(character)
        text = {} if key == "Dead" else {"text": key}
        wire.send("Input.dispatchKeyEvent", {"type": "keyDown", "key": key, "code": place, **text})
        wire.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": key, "code": place})
    if end:
        page.keyboard.press(end)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_ticket_is_read_on_any_layout(house, window, name):
    wide, in_the_field = buy(house, 2)
    page = window(house.door(0))
    burst(page, wide, LAYOUTS[name])
    expect_verdict(page, "admit", "Welcome")
    seat = page.locator("#seat strong").text_content()
    page.locator("#code").focus()
    burst(page, in_the_field, LAYOUTS[name])
    expect(page.locator("#seat")).not_to_contain_text(seat)
    expect_verdict(page, "admit", "Welcome")
    expect(page.locator("#code")).to_have_value("")


@pytest.mark.parametrize("end", ["Tab", None])
def test_a_code_ends_in_tab_or_in_silence_on_any_layout(house, window, end):
    good, = buy(house, 1)
    page = window(house.door(0))
    burst(page, good, LAYOUTS["French"], end=end)
    expect_verdict(page, "admit", "Welcome")


def test_a_reader_that_was_set_to_the_layout_of_the_computer_is_understood_too(house, window):
    good, = buy(house, 1)
    page = window(house.door(0))
    wire = page.context.new_cdp_session(page)
    places = {"A": "KeyQ", "Q": "KeyA", "Z": "KeyW", "W": "KeyZ", "M": "Semicolon"}
    for character in good:
        place = places.get(character, f"Digit{character}" if character.isdigit() else f"Key{character}")
        wire.send("Input.dispatchKeyEvent", {"type": "keyDown", "key": character, "code": place, "text": character})
    page.keyboard.press("Enter")
    expect_verdict(page, "admit", "Welcome")


def test_digits_of_the_keypad_are_digits(house, window):
    good, = buy(house, 1)
    page = window(house.door(0))
    burst(page, good, LAYOUTS["French"], keypad=True)
    expect_verdict(page, "admit", "Welcome")


def test_a_reader_that_types_the_number_of_each_character_is_understood_anywhere(house, window):
    wide, in_the_field = buy(house, 2)
    page = window(house.door(0))
    numbers(page, wide)
    expect_verdict(page, "admit", "Welcome")
    seat = page.locator("#seat strong").text_content()
    page.locator("#code").focus()
    numbers(page, in_the_field)
    expect(page.locator("#seat")).not_to_contain_text(seat)
    expect_verdict(page, "admit", "Welcome")


def numbers(page, code):
    """Alt held, and the number of the character on the keypad."""
    wire = page.context.new_cdp_session(page)
    for character in code:
        wire.send("Input.dispatchKeyEvent", {"type": "keyDown", "key": "Alt", "code": "AltLeft", "modifiers": 1})
        for digit in f"{ord(character):03}":
            key = {"key": digit, "code": f"Numpad{digit}", "modifiers": 1}
            wire.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
            wire.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})
        wire.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": "Alt", "code": "AltLeft"})
    page.keyboard.press("Enter")


def test_the_sign_of_a_lines_end_ends_a_code_and_presses_nothing_of_the_browser(house, window):
    good, = buy(house, 1)
    page = window(house.door(0))
    page.evaluate("() => addEventListener('keydown', (event) => setTimeout(() => (window.kept = event.defaultPrevented)), true)")
    page.keyboard.type(good)
    page.keyboard.press("Control+KeyJ")
    expect_verdict(page, "admit", "Welcome")
    page.wait_for_function("() => window.kept")
