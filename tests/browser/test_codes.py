"""Two decoders that are not ours read the tickets' codes as a camera sees them: small, turned, out of focus, grey, with noise."""

import io
import math
import random

import pytest
import zxingcpp
from PIL import Image, ImageChops, ImageFilter
from pyzbar import pyzbar

from purchase import book

TICKETS = 60
PHOTOS_OF_EACH = 2
# A picture's width in points, quiet zone included, and the part of all photographs that must be read of it.
SIZES = [(160, 0.90), (200, 0.99)]
TURN_DEGREES = 25
BLUR_POINTS = 0.8
CONTRAST = 0.6
NOISE = 6


@pytest.fixture(scope="module")
def pictures(house, chromium):
    """Tickets by their texts, each drawn by a browser from the SVG that customers get."""
    drawn = {}
    context = chromium.new_context(viewport={"width": 900, "height": 900})
    page = context.new_page()
    while len(drawn) < TICKETS:
        booking = book(house, 10)
        for seat, text in house.ticket_codes(booking).items():
            page.goto(f"{house.customer}/v1/bookings/{booking}/tickets/{seat}.svg")
            page.evaluate("() => { document.documentElement.setAttribute('width', 784); document.documentElement.setAttribute('height', 784); }")
            png = page.screenshot(clip={"x": 0, "y": 0, "width": 784, "height": 784})
            drawn[text] = Image.open(io.BytesIO(png)).convert("L")
    context.close()
    return drawn


def photograph(picture, size, chance):
    """What a cheap camera makes of it."""
    small = picture.resize((size, size), Image.LANCZOS)
    paper = Image.new("L", (2 * size, 2 * size), 255)
    paper.paste(small, (size // 2, size // 2))
    paper = paper.rotate(chance.uniform(-TURN_DEGREES, TURN_DEGREES), Image.BICUBIC, fillcolor=255)
    paper = paper.filter(ImageFilter.GaussianBlur(BLUR_POINTS))
    darkest = 255 * (1 - CONTRAST) / 2
    paper = paper.point(lambda grey: int(darkest + grey * CONTRAST))
    return ImageChops.add(paper, Image.effect_noise(paper.size, NOISE), 1, -128)


DECODERS = {
    "zxing": lambda photo: [found.text for found in zxingcpp.read_barcodes(photo)],
    "zbar": lambda photo: [found.data.decode() for found in pyzbar.decode(photo, symbols=[pyzbar.ZBarSymbol.QRCODE])],
}


def chance_of_no_more(read, photos, rate):
    """How likely no more than `read` of `photos` are read, if `rate` of all are."""
    return sum(math.comb(photos, n) * rate**n * (1 - rate) ** (photos - n) for n in range(read + 1))


@pytest.mark.parametrize("size,least", SIZES)
@pytest.mark.parametrize("decoder", DECODERS)
def test_a_ticket_is_read_from_a_bad_picture(pictures, decoder, size, least):
    chance = random.Random(size)
    read, wrong = 0, []
    for text, picture in PHOTOS_OF_EACH * list(pictures.items()):
        found = DECODERS[decoder](photograph(picture, size, chance))
        read += text in found
        wrong += [other for other in found if other != text]
    photos = PHOTOS_OF_EACH * len(pictures)
    print(f"\n{decoder}, {size} points: {read} of {photos} read")
    assert not wrong
    # Each run draws other tickets: one that falls short by chance alone must not be one in a thousand.
    by_chance = chance_of_no_more(read, photos, least)
    assert by_chance > 0.001, f"{decoder} reads {read} of {photos} at {size} points: not the promised {least:.0%}"
