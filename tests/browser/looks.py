"""What every page owes everybody, whatever it is for: room on a phone, names and contrast, a way by keyboard."""

from axe_playwright_python.sync_playwright import Axe

from window import HEIGHTS

FIRST_VIEW_BYTES_MAX = 100 * 1024
# A pane's page is another program's, inspected in a window of its own.
RULES = {"iframes": False, "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
OVERFLOW = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = Array.from(document.body.querySelectorAll("*")).filter((node) => node.getBoundingClientRect().right > width + 1);
  return wide.slice(0, 5).map((node) => `${node.tagName}.${node.getAttribute("class") ?? ""}#${node.id}`).concat(width);
}"""
# What stands outside of the window or of the part of the page that holds it.
CUT_OFF = """() => {
  const tall = [document.documentElement, ...document.querySelectorAll("main")].filter((node) => node.scrollHeight > node.clientHeight + 1);
  return tall.map((node) => `${node.tagName}: ${node.scrollHeight} of ${node.clientHeight}`);
}"""
TABLET = (1280, 800)
SMALL_TABLET = (960, 540)
# Colours that fade from one scheme to the other have arrived.
SETTLED = """() => document.getAnimations().every((one) => one.playState !== "running" || one.effect.getTiming().iterations === Infinity)"""
FOCUS = """() => {
  const node = document.activeElement;
  if (!node || node === document.body) return null;
  const name = node.getAttribute("aria-label") ?? node.innerText?.trim().slice(0, 40) ?? "";
  const style = getComputedStyle(node);
  // Seats draw their own ring; in a pane the ring is on what has the focus inside.
  const ring = style.outlineStyle !== "none" || style.boxShadow !== "none" || node.matches(".seat, iframe");
  return { tag: node.tagName, id: node.id, name: name || node.name || "", ring };
}"""


class Looks:
    """Inspects pages and keeps their pictures in one folder."""

    def __init__(self, folder):
        self.folder = folder

    def inspect(self, page, name):
        """Looks at a page in the state it is in: at three widths, by day and by night. Collects before it complains."""
        before = page.viewport_size
        complaints = []
        for width, height in HEIGHTS.items():
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(150)
            wide = page.evaluate(OVERFLOW)
            if wide:
                complaints.append(f"{width} px: wider than the window: {wide}")
            if width != 360:
                complaints += [f"{width} px: {one}" for one in accessibility(page)]
                self.shoot(page, f"{name}-{width}")
        page.emulate_media(color_scheme="dark")
        page.wait_for_timeout(150)
        page.wait_for_function(SETTLED)
        complaints += [f"dark: {one}" for one in accessibility(page)]
        page.screenshot(path=self.folder / f"{name}-dark.png", animations="disabled")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(before)
        assert not complaints, f"{name}:\n" + "\n".join(complaints)

    def inspect_on_a_tablet(self, page, name, size=TABLET):
        """Looks at a page in the state it is in on a tablet lying down: all of it in the window, nothing to scroll for."""
        before = page.viewport_size
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.wait_for_timeout(150)
        page.wait_for_function(SETTLED)
        complaints = [f"wider than the window: {wide}" for wide in [page.evaluate(OVERFLOW)] if wide]
        complaints += [f"to be scrolled for: {tall}" for tall in [page.evaluate(CUT_OFF)] if tall]
        complaints += accessibility(page)
        page.screenshot(path=self.folder / f"{name}-tablet.png", animations="disabled")
        page.set_viewport_size(before)
        assert not complaints, f"{name} on a tablet:\n" + "\n".join(complaints)

    def shoot(self, page, name):
        """The whole page, in a window as tall as it, so that bars at the bottom stand where they belong."""
        height = page.evaluate("() => Math.min(document.documentElement.scrollHeight, 4000)")
        page.set_viewport_size({"width": page.viewport_size["width"], "height": max(height, page.viewport_size["height"])})
        page.screenshot(path=self.folder / f"{name}.png", animations="disabled")


def accessibility(page):
    """WCAG 2.2 AA as far as a machine can tell, one line per finding."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{one['id']}: {one['help']}: {[node['target'][-1] for node in one['nodes'][:4]]}" for one in found]


def walk_to(page, selector, steps_max=40):
    """Presses Tab until the control has the focus; every stop on the way must have a name and a visible ring."""
    wanted = page.locator(selector)
    stops = []
    for _ in range(steps_max):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        assert stop is None or stop["ring"], f"no visible focus on {stop}"
        stops.append(stop and (stop["id"] or stop["name"] or stop["tag"]))
        if wanted.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError(f"{selector} is not reached by {steps_max} × Tab: {stops}")


def first_view_bytes(browser, url):
    """What comes over the wire until a page stands, in a browser that has nothing of it yet."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    sizes = []
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(url)
    page.wait_for_timeout(1500)
    context.close()
    return int(sum(sizes))
