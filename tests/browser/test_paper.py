"""Tickets and receipts as they come out of the printer, drawn from its bytes by a decoder of their own."""

import json
import re
import urllib.request

import pypdfium2
import pytest
from playwright.sync_api import expect

from counter import sell, sign_in
from decoders import DECODERS
from escpos import printed
from house import request, until
from roll import NO_PAPER, WELL


def test_a_cash_sale_prints_its_tickets_and_receipt_and_opens_the_drawer(house, roll, window, looks):
    page = window(house.theatre["counter"])
    sign_in(page, house.staff("counter"))
    before = len(roll.papers)
    seats = sell(page, 2)
    expect(page.locator("#prints")).to_contain_text("Printed")
    until("both papers are out", lambda: len(roll.papers) == before + 2, 10)
    papers = [printed(paper) for paper in roll.papers[before:]]
    tickets = next(paper for paper in papers if len(paper.pieces) == 2)
    receipt = next(paper for paper in papers if len(paper.pieces) == 1)
    assert tickets.kicks + receipt.kicks == 1
    sale = last_sale(page)
    for piece, ticket in zip(tickets.pieces, sale["tickets"], strict=True):
        assert {ticket["seat"]} <= set(piece.text.split()), piece.text
        assert sale["show"]["movie"]["title"].split()[0] in piece.text and ticket["serial"] in piece.text
        assert "DUPLICATE" not in piece.text
        for name, decode in DECODERS.items():
            assert decode(piece.image) == [ticket["code"]], name
        piece.image.save(looks.folder / f"paper-ticket-{ticket['seat']}.png")
    text = receipt.pieces[0].text
    prices = [f"{line['price']['minor'] // 100}.{line['price']['minor'] % 100:02}" for line in sale["lines"]]
    for seat, price in zip(seats, prices, strict=True):
        assert any(seat in row and row.endswith(price) for row in receipt.pieces[0].rows), text
    assert f"INR {sale['total']['minor'] // 100}." in text and sale["code"] in text
    receipt.pieces[0].image.save(looks.folder / "paper-receipt.png")


def test_a_printer_without_paper_loses_no_sale_and_prints_once_it_is_well(house, roll, window, looks):
    page = window(house.theatre["counter"])
    sign_in(page, house.staff("counter"))
    before = len(roll.papers)
    roll.state = NO_PAPER
    try:
        sell(page, 1)
        expect(page.locator("#prints")).to_contain_text("out of paper. The sale stands.")
        looks.inspect(page, "counter-no-paper")
        page.reload()
        expect(page.locator("#prints")).to_contain_text("out of paper")
    finally:
        roll.state = WELL
    page.locator("#prints").get_by_role("button", name="Retry").click()
    expect(page.locator("#prints")).to_contain_text("Receipt not printed")
    page.keyboard.press("s")
    expect(page.locator("#prints .notes")).to_have_count(0)
    until("the tickets are out", lambda: len(roll.papers) == before + 1, 10)
    assert "DUPLICATE" not in printed(roll.papers[-1]).pieces[0].text


def test_a_duplicate_takes_a_second_person_and_says_what_it_is(house, roll, window, looks):
    page = window(house.theatre["counter"], refusals={403})
    sign_in(page, house.staff("counter"))
    sell(page, 1)
    expect(page.locator("#prints")).to_contain_text("Printed")
    before = len(roll.papers)
    page.keyboard.press("p")
    expect(page.locator("#second")).to_be_visible()
    looks.inspect(page, "counter-duplicate")
    manager = house.staff("manager")
    page.keyboard.type(manager["name"])
    page.keyboard.press("Tab")
    page.keyboard.type(manager["pin"])
    page.keyboard.press("Enter")
    until("the duplicate is out", lambda: len(roll.papers) == before + 1, 10)
    [piece] = printed(roll.papers[-1]).pieces
    assert piece.rows[0].strip() == "DUPLICATE 1"


DPI = 150


def sold(house, group=0):
    """A sale that the box has made, of a group where one is wanted, and its cashier's login."""
    counter, token = house.theatre["counter"], house.token("counter")
    on_sale = [show for show in request("GET", f"{counter}/v1/shows", token=token)["shows"] if show["state"] == "on_sale"]
    show, seats = max(on_sale, key=lambda show: show["seats_free"])["id"], {"best": 2}
    if group:
        manager = {"staff": "manager", "pin": house.staff("manager")["pin"]}
        wish = {"best": group, "group": "Rex School", "approved_by": manager}
        seats = {"hold": request("POST", f"{counter}/v1/shows/{show}/holds", wish, token)["hold"]}
    return request("POST", f"{counter}/v1/shows/{show}/sales", {"tender": "card", **seats}, token), token


def ask_for(house, sale, token, documents, printer):
    body = {"documents": documents, "printer": printer}
    return request("POST", f"{house.theatre['counter']}/v1/sales/{sale['sale']}/prints", body, token)["prints"]


def written(amount):
    return f"{amount['minor'] // 100}.{amount['minor'] % 100:02}"


def expect_tax(text, total):
    """What is before the tax and the tax's two halves come to what was paid."""
    lines = re.findall(r"\d+ % GST is inside: net ([\d.]+), CGST ([\d.]+), SGST ([\d.]+)", " ".join(text.split()))
    assert lines and round(100 * sum(float(part) for line in lines for part in line)) == total["minor"], text


def test_on_58_mm_every_row_fits_and_the_code_reads(house, narrow_roll, looks):
    sale, token = sold(house)
    before = len(narrow_roll.papers)
    ask_for(house, sale, token, ["tickets", "receipt"], "narrow")
    until("both papers are out", lambda: len(narrow_roll.papers) == before + 2, 10)
    # The decoder draws on 384 dots and refuses a row or a picture that does not fit.
    papers = [printed(paper, paper=58) for paper in narrow_roll.papers[before:]]
    tickets = next(paper for paper in papers if len(paper.pieces) == 2)
    [receipt] = next(paper for paper in papers if len(paper.pieces) == 1).pieces
    for piece, ticket, line in zip(tickets.pieces, sale["tickets"], sale["lines"], strict=True):
        assert piece.image.width == 384 and {ticket["seat"]} <= set(piece.text.split())
        title = sale["show"]["movie"]["title"]
        for part in [*title.split(), ticket["serial"], written(line["price"]), f"{sale['code'][:4]} {sale['code'][4:]}"]:
            assert part in piece.text, piece.text
        [picture] = piece.pictures
        for name, decode in DECODERS.items():
            assert decode(picture) == decode(piece.image) == [ticket["code"]], name
        piece.image.save(looks.folder / f"paper-58-{ticket['seat']}.png")
    for line in sale["lines"]:
        assert any(row.startswith(line["seat"]) and row.endswith(written(line["price"])) for row in receipt.rows), receipt.text
    expect_tax(receipt.text, sale["total"])
    receipt.image.save(looks.folder / "paper-58-receipt.png")


def test_a_groups_paper_tells_the_tax_inside_as_its_receipt_does(house, narrow_roll, looks):
    sale, token = sold(house, group=12)
    before = len(narrow_roll.papers)
    ask_for(house, sale, token, ["group", "receipt"], "narrow")
    until("both papers are out", lambda: len(narrow_roll.papers) == before + 2, 10)
    for paper in narrow_roll.papers[before:]:
        [piece] = printed(paper, paper=58).pieces
        expect_tax(piece.text, sale["total"])
        piece.image.save(looks.folder / f"paper-58-{'group' if 'Rex School' in piece.text else 'group-receipt'}.png")


@pytest.mark.parametrize("document", ["tickets", "receipt", "group"])
def test_a_document_says_what_the_paper_says_and_its_codes_read(house, looks, document):
    sale, token = sold(house, group=3 if document == "group" else 0)
    [asked] = ask_for(house, sale, token, [document], "pdf")
    with urllib.request.urlopen(house.theatre["counter"] + asked["pdf"], timeout=15) as answer:
        pages = list(pypdfium2.PdfDocument(answer.read()))
    assert len(pages) == (len(sale["tickets"]) if document == "tickets" else 1)
    title, theatre = sale["show"]["movie"]["title"], house.theatre["name"]
    for nth, page in enumerate(pages):
        text = page.get_textpage().get_text_range()
        drawn = page.render(scale=DPI / 72).to_pil().convert("L")
        drawn.save(looks.folder / f"document-{document}-{nth + 1}.png")
        words = " ".join(text.split())
        assert title in words and theatre in words, text
        if document == "tickets":
            ticket, line = sale["tickets"][nth], sale["lines"][nth]
            assert {ticket["seat"], ticket["serial"]} <= set(text.split()) and written(line["price"]) in words, text
            for name, decode in DECODERS.items():
                assert decode(drawn) == [ticket["code"]], name
        else:
            assert written(sale["total"]) in words, text
            expect_tax(text, sale["total"])


def last_sale(page):
    return json.loads(page.evaluate("() => sessionStorage.getItem('last sale')"))


def test_one_notice_tells_of_the_papers_of_all_sales(house, roll, window):
    page = window(house.theatre["counter"])
    sign_in(page, house.staff("counter"))
    slow = []

    def late(route):
        answer = route.fetch()
        print_now = answer.json()
        slow.append(print_now["print"]) if not slow else None
        if print_now["print"] == slow[0]:
            print_now["state"] = "waiting"
        route.fulfill(response=answer, json=print_now)

    page.route("**/v1/prints/*", late)
    sell(page, 1)
    until("the first print is looked at", lambda: page.wait_for_timeout(50) or slow, 10)
    page.keyboard.press("Enter")
    expect(page.locator("#till-title")).to_have_text("Sale")
    before = len(roll.papers)
    sell(page, 1)
    until("the second sale's papers are out", lambda: page.wait_for_timeout(50) or len(roll.papers) >= before + 2, 10)
    page.wait_for_timeout(1000)
    expect(page.locator("#prints")).to_contain_text("Printing on roll")
    page.unroute_all(behavior="wait")
    expect(page.locator("#prints")).to_contain_text("Printed")


def test_a_wrong_pin_for_a_duplicate_signs_nobody_out(house, window):
    page = window(house.theatre["counter"], refusals={401, 403})
    sign_in(page, house.staff("counter"))
    sell(page, 1)
    expect(page.locator("#prints")).to_contain_text("Printed")
    page.keyboard.press("p")
    expect(page.locator("#second")).to_be_visible()
    page.locator("#second [name=staff]").fill(house.staff("manager")["name"])
    page.locator("#second [name=pin]").fill("0000")
    page.keyboard.press("Enter")
    expect(page.locator("#prints")).to_contain_text("PIN")
    expect(page.locator("#login")).to_be_hidden()
    expect(page.locator("#till-title")).to_have_text("Sold")
