"""The camera of a door's page: a ticket held before it is let in, once, turned and small as a guest holds it."""

import io
import shutil

import pytest
from PIL import Image, ImageFilter
from playwright.sync_api import expect

from conftest import FLAGS
from purchase import book, buy
from test_doors import expect_verdict
from window import Window

WIDTH, HEIGHT = 640, 480
PICTURES = 10


@pytest.fixture
def ticket(house, chromium):
    """A ticket as the guest's phone shows it."""
    booking = book(house, 1)
    [seat] = house.ticket_codes(booking)
    page = chromium.new_page(viewport={"width": 400, "height": 400})
    page.goto(f"{house.customer}/v1/bookings/{booking}/tickets/{seat}.svg")
    page.evaluate("() => { document.documentElement.setAttribute('width', 300); document.documentElement.setAttribute('height', 300); }")
    png = page.screenshot(clip={"x": 0, "y": 0, "width": 300, "height": 300})
    page.close()
    return seat, Image.open(io.BytesIO(png)).convert("L")


def film(picture, path):
    """What the camera sees, as the file that Chromium takes for one: raw pictures in YUV, grey."""
    scene = Image.new("L", (WIDTH, HEIGHT), 90)
    held = Image.new("L", (420, 420), 230)
    held.paste(picture, (60, 60))
    held = held.rotate(12, Image.BICUBIC, fillcolor=90).filter(ImageFilter.GaussianBlur(0.8))
    scene.paste(held, (110, 30))
    colourless = bytes([128]) * (WIDTH * HEIGHT // 2)
    with open(path, "wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode())
        for _ in range(PICTURES):
            file.write(b"FRAME\n" + scene.tobytes() + colourless)


def test_a_ticket_before_the_camera_is_let_in_once(house, chromium, ticket, tmp_path, looks):
    seat, picture = ticket
    film(picture, tmp_path / "ticket.y4m")
    flags = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={tmp_path / 'ticket.y4m'}"]
    program = shutil.which("chromium") or "/usr/bin/chromium"
    browser = chromium.browser_type.launch(executable_path=program, args=FLAGS + flags)
    try:
        window = Window(browser, house.door(0), width=390)
        page = window.page
        page.get_by_role("button", name="Camera").click()
        expect(page.locator("#camera")).to_be_visible()
        expect_verdict(page, "admit", "Welcome")
        expect(page.locator("#seat strong")).to_have_text(seat)
        page.screenshot(path=looks.folder / "door-camera.png")
        # The ticket stays before the camera for a while: that is no second entry.
        page.wait_for_timeout(2500)
        expect_verdict(page, "admit", "Welcome")
        page.get_by_role("button", name="Camera").click()
        expect(page.locator("#camera")).to_be_hidden()
        window.close()
        assert not window.faults
    finally:
        browser.close()


DETECTOR = """() => {
  window.pictures = 0;
  window.BarcodeDetector = class {
    static async getSupportedFormats() { return ["code_128", "qr_code"]; }
    constructor({ formats }) { if (formats.join() !== "qr_code") throw new TypeError("asked for other codes"); }
    async detect(video) {
      window.pictures += 1;
      return video.videoWidth > 0 && window.held ? [{ rawValue: window.held }] : [];
    }
  };
}"""


def test_a_browser_that_finds_codes_by_itself_posts_no_picture_and_the_ticket_is_let_in_once(house, chromium):
    code, = buy(house, 1)
    flags = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    program = shutil.which("chromium") or "/usr/bin/chromium"
    browser = chromium.browser_type.launch(executable_path=program, args=FLAGS + flags)
    try:
        window = Window(browser, house.door(0), width=390)
        page = window.page
        asked = []
        page.on("request", lambda request: asked.append(request.url.split("?")[0].rsplit("/", 1)[-1]))
        page.add_init_script(f"({DETECTOR})()")
        page.reload()
        expect(page.locator("#guarantee")).to_contain_text("SHARED")
        page.get_by_role("button", name="Camera").click()
        expect(page.locator("#camera")).to_be_visible()
        page.wait_for_function("() => window.pictures > 2")
        page.evaluate("code => { window.held = code; }", code)
        expect_verdict(page, "admit", "Welcome")
        seen = page.evaluate("() => window.pictures")
        # Held before the camera for a while, it is no second entry.
        page.wait_for_function("seen => window.pictures > seen + 10", arg=seen)
        expect_verdict(page, "admit", "Welcome")
        assert asked.count("scan") == 1 and "frames" not in asked, asked
        window.close()
        assert not window.faults
    finally:
        browser.close()
