"""Two decoders that are not ours read the tickets' codes as a camera sees them: small, turned, out of focus, grey, with noise."""

import io
import itertools
import random
import urllib.request

import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageChops, ImageFilter

from decoders import DECODERS
from escpos import printed
from house import request as ask
from house import until
from purchase import book

# Drawn once, and photographed again and again, each time another way.
TICKETS = 60
PHOTOS = 500
# A ticket has 152 characters, some less where its numbers are small: what version 6 takes at level M, and version 5 does not. The
# modules of a side of its picture are 41.
CHARACTERS = range(123, 155)
MODULES = 41
# A picture's width in points, quiet zone included, and the part of all photographs that must be read of it.
SIZES = [(160, 0.90), (200, 0.99)]
TURN_DEGREES = 25
BLUR_POINTS = 0.8
CONTRAST = 0.6
NOISE = 6


@pytest.fixture(scope="module", params=["svg", "pdf", "escpos"])
def pictures(request, house, chromium, roll):
    """Tickets by their texts, drawn as a guest gets them: on a screen, from a document at 150 dpi, by a receipt printer."""
    draw = {"svg": lambda: from_svg(house, chromium), "pdf": lambda: from_pdf(house), "escpos": lambda: from_paper(house, roll)}
    return draw[request.param]()


def from_svg(house, chromium):
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


def from_pdf(house):
    drawn = {}
    while len(drawn) < TICKETS:
        booking = book(house, 10)
        texts = list(house.ticket_codes(booking).values())
        with urllib.request.urlopen(f"{house.customer}/v1/bookings/{booking}/tickets.pdf", timeout=15) as answer:
            document = pypdfium2.PdfDocument(answer.read())
        assert len(document) == len(texts)
        for page, text in zip(document, texts, strict=True):
            drawn[text] = cut_out(page.render(scale=150 / 72).to_pil().convert("L"), text)
    return drawn


def from_paper(house, roll):
    drawn = {}
    counter, staff = house.theatre["counter"], house.staff("counter")
    token = ask("POST", f"{counter}/v1/session", {"staff": staff["name"], "pin": staff["pin"]})["token"]
    on_sale = [show for show in ask("GET", f"{counter}/v1/shows", None, token)["shows"] if show["state"] == "on_sale"]
    show = max(on_sale, key=lambda show: show["seats_free"])["id"]
    while len(drawn) < TICKETS // 2:
        sale = ask("POST", f"{counter}/v1/shows/{show}/sales", {"best": 10, "tender": "card"}, token)
        papers = len(roll.papers)
        ask("POST", f"{counter}/v1/sales/{sale['sale']}/prints", {"documents": ["tickets"]}, token)
        until("the tickets are out", lambda: len(roll.papers) > papers, 10)
        for piece, ticket in zip(printed(roll.papers[-1]).pieces, sale["tickets"], strict=True):
            drawn[ticket["code"]] = cut_out(piece.image, ticket["code"])
    return drawn


def cut_out(image, text):
    """The code and its quiet zone."""
    [found] = [found for found in zxingcpp.read_barcodes(image) if found.text == text]
    corners = [getattr(found.position, name) for name in ("top_left", "top_right", "bottom_right", "bottom_left")]
    left, right = min(corner.x for corner in corners), max(corner.x for corner in corners)
    top, bottom = min(corner.y for corner in corners), max(corner.y for corner in corners)
    quiet = round((right - left) * 4 / 41)
    return image.crop((left - quiet, top - quiet, right + quiet, bottom + quiet))


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


def modules(picture):
    """The modules of a side: between the corners' marks, seven wide each, dark and light take turns on the seventh line."""
    dark = picture.point(lambda grey: 255 if grey < 128 else 0)
    left, top, right, bottom = dark.getbbox()
    across = top + round((bottom - top) * 6.5 / MODULES)
    down = left + round((right - left) * 6.5 / MODULES)
    lines = [dark.crop((left, across, right, across + 1)), dark.crop((down, top, down + 1, bottom))]
    return tuple(2 * 7 + sum(1 for _ in itertools.groupby(line.tobytes())) - 2 for line in lines)


def test_every_ticket_is_a_picture_of_41_modules(pictures):
    assert len(pictures) >= TICKETS // 2
    assert {len(text) for text in pictures} <= set(CHARACTERS)
    assert {modules(picture) for picture in pictures.values()} == {(MODULES, MODULES)}


@pytest.mark.parametrize("size,least", SIZES)
@pytest.mark.parametrize("decoder", DECODERS)
def test_a_ticket_is_read_from_a_bad_picture(pictures, decoder, size, least):
    chance = random.Random(size)
    read, wrong = 0, []
    for text, picture in itertools.islice(itertools.cycle(pictures.items()), PHOTOS):
        found = DECODERS[decoder](photograph(picture, size, chance))
        read += text in found
        wrong += [other for other in found if other != text]
    print(f"\n{decoder}, {size} points: {read} of {PHOTOS} read")
    assert not wrong
    assert read / PHOTOS >= least, f"{decoder} reads {read} of {PHOTOS} at {size} points: not the promised {least:.0%}"
