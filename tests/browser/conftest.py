"""One house and one browser for all tests; each test gets windows of its own, which must stay free of errors."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent))

import house as houses  # noqa: E402
from door import Door  # noqa: E402
from looks import Looks  # noqa: E402
from roll import Roll  # noqa: E402
from window import Window  # noqa: E402

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def roll():
    printer = Roll()
    yield printer
    printer.close()


@pytest.fixture(scope="session")
def narrow_roll():
    """A second printer, with 58 mm of paper; nothing comes out of it that does not ask for it."""
    printer = Roll("narrow", "58mm")
    yield printer
    printer.close()


@pytest.fixture(scope="session")
def house(roll, narrow_roll):
    running = houses.from_environment([roll.setting, narrow_roll.setting])
    yield running
    running.stop()


@pytest.fixture
def door(house):
    """A door of its own, which a test may stop and start."""
    running = Door(house, "Door C")
    running.start()
    running.until_in_touch()
    yield running
    running.close()


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        program = shutil.which("chromium") or "/usr/bin/chromium"
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def window(chromium):
    """Opens windows: `window(url, width=390)`."""
    opened = []

    def open_window(url, **options):
        opened.append(Window(chromium, url, **options))
        return opened[-1].page

    yield open_window
    for one in opened:
        one.close()
    found = [fault for one in opened for fault in one.faults]
    assert not found, "the browser complained:\n" + "\n".join(found)


@pytest.fixture(scope="session")
def looks():
    folder = Path(os.environ.get("USHER_SCREENSHOTS", "/tmp/usher-screenshots"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield Looks(folder)
    print(f"\nscreenshots: {folder}")


@pytest.fixture
def manager(house):
    """The manager, whose till is closed again afterwards."""
    yield house.staff("manager")
    house.close_shift("manager")


@pytest.fixture(autouse=True)
def healed(house):
    """A test that cut the line leaves it open for the next one."""
    yield
    if house.theatre_is_cut:
        house.heal()
