"""In sunlight, at arm's length: what a browser makes of each verdict is large, and stands out from its ground by seven to one."""

import pytest
from playwright.sync_api import expect

from purchase import buy
from test_doors import burst, expect_verdict, forged, of_another_key

CONTRAST_MIN = 7
# Of the height of a line: at 60 cm a letter of 5 mm is read by everybody who may drive.
WORDS_PX_MIN = 40
TEXT_PX_MIN = 16
# Everything that is written on the verdict, with its size and its contrast to the ground that is painted behind it.
READ = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const painted = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (node) => {
    for (let one = node; one; one = one.parentElement) {
      const colour = painted(getComputedStyle(one).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const contrast = (colour, node) => {
    const [low, high] = [light(painted(colour)), light(groundOf(node))].sort((one, other) => one - other);
    return (high + 0.05) / (low + 0.05);
  };
  const written = [...document.querySelectorAll("#words, #seat, #text, #first, #lines, #level")].filter((node) => node.textContent.trim());
  const texts = written.map((node) => ({ id: node.id, px: parseFloat(getComputedStyle(node).fontSize), contrast: contrast(getComputedStyle(node).color, node) }));
  const sign = document.querySelector("#shape .shape-sign") ?? document.querySelector("#shape [class]");
  const shape = { id: "shape", px: document.querySelector("#shape").getBoundingClientRect().width, contrast: contrast(getComputedStyle(sign).stroke, sign) };
  return [...texts, shape];
}"""


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_verdict_is_read_in_sunlight(house, door, window, width, scheme):
    good, = buy(house, 1)
    page = window(door.url, width=width, loses_server=True)
    page.emulate_media(color_scheme=scheme)
    found = {}

    def read(kind, words):
        expect_verdict(page, kind, words)
        page.wait_for_function("() => document.getAnimations().every((one) => one.playState !== 'running')")
        found[kind] = page.evaluate(READ)

    for kind, words, code in [
        ("admit", "Welcome", good),
        ("already", "Already in", good),
        ("unknown", "Key not known", of_another_key(good)),
        ("refuse", "Not genuine", forged(good)),
    ]:
        burst(page, code)
        read(kind, words)
    page.route("**/v1/scan", lambda route: route.abort())
    burst(page, good)
    read("waiting", "Not checked yet")
    page.unroute("**/v1/scan")
    expect(page.locator("#main")).not_to_have_attribute("data-verdict", "waiting")
    faint = [f"{kind}: {one}" for kind, read in found.items() for one in read if one["contrast"] < CONTRAST_MIN]
    least = {"words": WORDS_PX_MIN, "shape": 3 * WORDS_PX_MIN}
    small = [f"{kind}: {one}" for kind, read in found.items() for one in read if one["px"] < least.get(one["id"], TEXT_PX_MIN)]
    assert not faint and not small, "\n".join(faint + small)
    assert all({"words", "shape"} <= {one["id"] for one in read} and len(read) >= 3 for read in found.values()), found
