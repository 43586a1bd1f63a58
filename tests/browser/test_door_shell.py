"""The door's page is there after a reload in a drop, over HTTPS too; by plain HTTP from another device it says what the camera needs."""

import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

from conftest import FLAGS
from purchase import buy
from test_doors import burst, expect_verdict, forged
from window import Window

CERTIFY = Path(__file__).parents[2] / "deploy" / "door" / "certify"
KEPT = """async (count) => {
  await navigator.serviceWorker.ready;
  const [name] = await caches.keys();
  return name !== undefined && (await (await caches.open(name)).keys()).length >= count;
}"""


def until_kept(page):
    """The browser has the page and all that it loads, and the worker stands before it."""
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    page.wait_for_function(KEPT, arg=20)


def certified(folder, host):
    for name in ["ca", host]:
        subprocess.run([CERTIFY, folder, name], check=True)
    return [f"--tls-cert={folder / host}.pem", f"--tls-key={folder / host}.key"]


@pytest.fixture
def browser_of_a_phone(chromium):
    """A browser that knows the door by a name, as a phone does, and believes the theatre's CA."""
    program = shutil.which("chromium") or "/usr/bin/chromium"
    flags = ["--host-resolver-rules=MAP door.theatre 127.0.0.1", "--ignore-certificate-errors"]
    flags += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    browser = chromium.browser_type.launch(executable_path=program, args=FLAGS + flags)
    yield browser
    browser.close()


def test_a_page_reloaded_while_its_program_is_gone_shows_its_codes_and_they_get_their_verdicts(house, door, window, looks):
    first, second = buy(house, 2)
    page = window(door.url, width=390, loses_server=True)
    until_kept(page)
    door.kill()
    burst(page, forged(first))
    burst(page, second)
    expect_verdict(page, "waiting", "Not checked yet")
    page.reload()
    expect_verdict(page, "waiting", "Not checked yet")
    expect(page.locator("#text")).to_contain_text("2 codes kept")
    expect(page.locator("#text")).not_to_contain_text("Do not reload")
    expect(page.locator("#guarantee")).to_contain_text("NO ANSWER")
    looks.inspect(page, "door-reloaded-in-a-drop")
    door.start()
    expect(page.locator("#late-list li strong")).to_have_text(["Not genuine", "Welcome"])


def test_a_page_in_the_cache_is_never_shown_while_the_program_has_another_one(door, window):
    page = window(door.url, width=390, loses_server=True)
    until_kept(page)
    # What an earlier version has left behind.
    page.evaluate("""async () => {
      const [name] = await caches.keys();
      const old = () => new Response("<h1>Earlier version</h1>", { headers: { "content-type": "text/html" } });
      await (await caches.open(name)).put("/", old());
      await (await caches.open("door 0.0.0")).put("/", old());
    }""")
    page.reload()
    expect(page.locator("#guarantee")).to_contain_text("SHARED")
    # It has taken the place of the old one.
    door.kill()
    page.reload()
    expect(page.locator("#guarantee")).to_contain_text("NO ANSWER")


def test_a_phone_over_https_has_its_camera_and_its_page_in_a_drop(house, door, browser_of_a_phone, tmp_path):
    good, = buy(house, 1)
    link = subprocess.run([door.program, "link", f"https://door.theatre:{door.port}", "--data", door.data], check=True, capture_output=True, text=True)
    door.kill()
    door.url = f"https://127.0.0.1:{door.port}"
    door.start("--guard-loopback", *certified(tmp_path, "door.theatre"))
    phone = Window(browser_of_a_phone, link.stdout.splitlines()[0], width=390, loses_server=True)
    page = phone.page
    expect(page.locator("#guarantee")).to_contain_text("SHARED")
    expect(page.get_by_role("button", name="Camera")).to_be_visible()
    page.get_by_role("button", name="Camera").click()
    expect(page.locator("#camera")).to_be_visible()
    page.get_by_role("button", name="Camera").click()
    until_kept(page)
    door.kill()
    burst(page, good)
    page.reload()
    expect_verdict(page, "waiting", "Not checked yet")
    door.start("--guard-loopback", f"--tls-cert={tmp_path / 'door.theatre'}.pem", f"--tls-key={tmp_path / 'door.theatre'}.key")
    expect_verdict(page, "admit", "Welcome")
    phone.close()
    assert not phone.faults


def test_a_page_by_plain_http_from_another_device_says_what_the_camera_needs(door, browser_of_a_phone, looks):
    phone = Window(browser_of_a_phone, f"http://door.theatre:{door.port}/", width=390)
    page = phone.page
    expect(page.locator("#guarantee")).to_contain_text("SHARED")
    page.get_by_role("button", name="Camera").click()
    expect(page.locator("#text")).to_contain_text("https pages only")
    expect(page.locator("#text")).to_contain_text("the operator starts this door's program with --tls-cert")
    looks.inspect(page, "door-needs-https")
    phone.close()
    assert not phone.faults
