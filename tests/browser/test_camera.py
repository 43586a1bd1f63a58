"""The camera of a door's page: a ticket held before it is let in, once, turned and small as a guest holds it."""

import io
import shutil

import pytest
from PIL import Image, ImageFilter
from playwright.sync_api import expect

from conftest import FLAGS
from house import until
from purchase import book, buy
from window import Window

WIDTH, HEIGHT = 640, 480
PICTURES = 10
# For a machine that has other things to do.
WAIT_MS = 60_000
LOOKS = 12


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


# What the page has shown so far: a verdict is gone after a few seconds, however slow the machine is that looks.
SHOWN = """() => {
  window.shown = [];
  addEventListener("DOMContentLoaded", () => {
    const main = document.getElementById("main");
    const note = () => window.shown.push(`${main.dataset.verdict} ${document.getElementById("seat").textContent}`);
    new MutationObserver(note).observe(document.getElementById("seat"), { childList: true });
  });
}"""


@pytest.fixture
def camera(house, chromium):
    """Opens a door with a camera in front of it, switched on: `camera(flags, script)`; gives the page and what it asks for."""
    opened = []

    def open_door(flags=(), script="() => null"):
        program = shutil.which("chromium") or "/usr/bin/chromium"
        fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        browser = chromium.browser_type.launch(executable_path=program, args=[*FLAGS, *fake, *flags])
        window = Window(browser, house.door(0), width=390)
        opened.append((browser, window))
        page, asked = window.page, []
        page.on("request", lambda request: asked.append(request.url.split("?")[0].rsplit("/", 1)[-1]))
        for init in (SHOWN, script):
            page.add_init_script(f"({init})()")
        page.reload()
        expect(page.locator("#guarantee")).to_contain_text("SHARED", timeout=WAIT_MS)
        page.get_by_role("button", name="Camera").click()
        expect(page.locator("#camera")).to_be_visible(timeout=WAIT_MS)
        return page, asked

    yield open_door
    for browser, window in opened:
        window.close()
        browser.close()
    assert not [fault for _, window in opened for fault in window.faults]


def until_admitted(page, seat=""):
    page.wait_for_function("seat => window.shown.some((one) => one.startsWith(`admit ${seat}`))", arg=seat, timeout=WAIT_MS)


def expect_one_entry(page, asked):
    shown = page.evaluate("() => window.shown")
    assert not [one for one in shown if one.startswith(("already", "refuse"))], shown
    assert asked.count("scan") == 1, asked


def test_a_ticket_before_the_camera_is_let_in_once(ticket, camera, tmp_path, looks):
    seat, picture = ticket
    film(picture, tmp_path / "ticket.y4m")
    page, asked = camera([f"--use-file-for-fake-video-capture={tmp_path / 'ticket.y4m'}"])
    until_admitted(page, seat)
    page.screenshot(path=looks.folder / "door-camera.png")
    # The ticket stays before the camera for a while: that is no second entry.
    looked = asked.count("frames")
    until("it has looked on", lambda: page.wait_for_timeout(100) or asked.count("frames") >= looked + LOOKS, WAIT_MS / 1000)
    expect_one_entry(page, asked)
    page.get_by_role("button", name="Camera").click()
    expect(page.locator("#camera")).to_be_hidden()


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


def test_a_browser_that_finds_codes_by_itself_posts_no_picture_and_the_ticket_is_let_in_once(house, camera):
    code, = buy(house, 1)
    page, asked = camera(script=DETECTOR)
    page.wait_for_function("() => window.pictures > 2", timeout=WAIT_MS)
    page.evaluate("code => { window.held = code; }", code)
    until_admitted(page)
    seen = page.evaluate("() => window.pictures")
    # Held before the camera for a while, it is no second entry.
    page.wait_for_function("seen => window.pictures > seen", arg=seen + LOOKS, timeout=WAIT_MS)
    expect_one_entry(page, asked)
    assert "frames" not in asked, asked


def test_a_ticket_that_stays_in_the_picture_is_no_second_entry_on_a_machine_that_takes_its_time(house, camera):
    code, = buy(house, 1)
    page, asked = camera(script=DETECTOR.replace("async detect(video) {", "async detect(video) { await new Promise((done) => setTimeout(done, 3500));"))
    page.evaluate("code => { window.held = code; }", code)
    until_admitted(page)
    seen = page.evaluate("() => window.pictures")
    page.wait_for_function("seen => window.pictures > seen", arg=seen + 2, timeout=WAIT_MS)
    expect_one_entry(page, asked)
