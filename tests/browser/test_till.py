"""A shift from the counted float to the numbered report, by keyboard."""

import re

from playwright.sync_api import expect

from counter import sell, sign_in
from escpos import printed


def test_a_supervisor_opens_a_shift_sells_counts_and_reads_the_report(house, window, looks):
    house.close_shift("manager")
    page = window(house.theatre["counter"])
    sign_in(page, house.staff("manager"))
    page.keyboard.press("t")
    expect(page.locator("#open")).to_be_visible()
    expect(page.locator("#open .total")).to_have_text("Counted: ₹0")
    page.locator("#open").get_by_label("How many of ₹100").focus()
    page.keyboard.type("5")
    expect(page.locator("#open .total")).to_have_text("Counted: ₹500")
    looks.inspect(page, "till-float")
    page.keyboard.press("Enter")
    expect(page.locator("#own .report")).to_contain_text("₹500")

    page.goto(house.theatre["counter"])
    expect(page.locator("#till .chosen")).to_be_visible()
    sell(page, 2)
    page.keyboard.press("t")
    expect(page.locator("#own .report")).to_contain_text("1 sale")
    page.get_by_label("Amount").fill("50")
    page.get_by_label("What for").fill("milk")
    page.locator("#cash input[value=out]").check()
    page.get_by_label("What for").press("Enter")
    expect(page.locator("#own .report")).to_contain_text("Paid out")
    looks.inspect(page, "till-shift")

    page.locator("#close summary").click()
    page.locator("#close").get_by_label("How many of ₹100").fill("4")
    looks.inspect(page, "till-count")
    page.locator("#close").get_by_role("button", name="Close the shift").click()
    expect(page.locator("#own .facts h3")).to_contain_text("missing")
    expect(page.locator("#reports .rows")).to_contain_text(re.compile(r"Z \d+: manager"))
    page.get_by_role("button", name="Check the till journal").click()
    expect(page.locator("#checked")).to_contain_text("are as they were written")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Daily collection (CSV)").click()
    assert "serial_from" in saved.value.path().read_text(encoding="utf-8-sig")
    looks.inspect(page, "till-report")


def test_the_drawer_is_opened_without_a_sale_for_a_reason_and_counted(house, roll, window, looks):
    page = window(house.theatre["counter"])
    sign_in(page, house.staff("manager"))
    before = len(roll.papers)
    page.keyboard.press("d")
    expect(page.locator("#drawer [name=reason]")).to_be_focused()
    looks.inspect(page, "counter-drawer")
    page.keyboard.type("change for a guest")
    page.keyboard.press("Enter")
    expect(page.locator("#till-problem")).to_contain_text("The drawer is open")
    assert printed(roll.papers[before]).kicks == 1
    page.keyboard.press("d")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    expect(page.locator("#own .report")).to_contain_text("1 time without a sale")
    page.locator("#close summary").click()
    page.locator("#close").get_by_role("button", name="One more of ₹100").click(click_count=2)
    expect(page.locator("#close .total")).to_have_text("Counted: ₹200")
    page.locator("#close").get_by_role("button", name="Close the shift").click()
    expect(page.locator("#own .facts")).to_contain_text("1 time without a sale")


# In a function of its own, for an expression that is a function is called at once.
KEEP_PAPER = "() => { window.print = () => { window.paper = document.body.innerText; }; }"


def to_paper(page):
    page.emulate_media(media="print")
    page.wait_for_function("() => matchMedia('print').matches")


def test_a_printed_report_is_the_report_alone_with_the_theatres_name(house, window):
    house.as_manager("/v1/shifts", {"float": []})
    house.close_shift("manager")
    page = window(house.theatre["counter"] + "/till")
    page.locator("#staff").fill(house.staff("manager")["name"])
    page.locator("#pin").fill(house.staff("manager")["pin"])
    page.keyboard.press("Enter")
    closed = page.locator("#reports .rows > li").filter(has_text=re.compile(r"^Z \d")).first
    expect(page.locator("#day")).to_be_visible()
    closed.locator("summary").press("Enter")
    page.evaluate(KEEP_PAPER)
    to_paper(page)
    closed.locator("button").evaluate("key => key.click()")
    paper = page.evaluate("window.paper")
    assert house.theatre["name"] in paper and "Difference" in paper
    assert re.search(r"Till journal\s+row \d+, [0-9a-f]{4}( [0-9a-f]{4}){3}\b", paper), paper
    for other in ["Your shift", "The day", "Payments to verify", "Daily collection", "Print"]:
        assert other not in paper, paper


def test_an_x_and_ones_own_z_go_on_paper_too(house, manager, window):
    house.close_shift("manager")
    house.as_manager("/v1/shifts", {"float": []})
    house.close_shift("counter")
    page = window(house.theatre["counter"] + "/till")
    to_till(page, house.staff("counter"))
    page.locator("#open").get_by_label("How many of ₹100").fill("5")
    page.locator("#open").get_by_role("button", name="Open the shift").press("Enter")
    expect(page.locator("#own .report")).to_contain_text("₹500")
    page.evaluate(KEEP_PAPER)

    def printed_by(part):
        to_paper(page)
        part.get_by_role("button", name="Print", exact=True, include_hidden=True).first.evaluate("key => key.click()")
        page.emulate_media(media="screen")
        return page.evaluate("window.paper")

    own = page.locator("#own .facts")
    paper = printed_by(own)
    assert house.theatre["name"] in paper and "X, as of" in paper and "counter" in paper, paper
    # Whoever counts the drawer is not told what should be in it.
    assert "Should be in the drawer" not in paper and "Cash in or out" not in paper, paper
    page.locator("#close summary").click()
    page.locator("#close").get_by_label("How many of ₹100").fill("5")
    page.locator("#close").get_by_role("button", name="Close the shift").press("Enter")
    expect(own.locator("h3")).to_contain_text("exact")
    paper = printed_by(own)
    assert re.search(r"Z \d+: counter, exact", paper) and "Till journal" in paper and "X, as of" not in paper, paper
    page.locator("#lock").press("Enter")

    page.locator("#staff").fill("")
    page.locator("#staff").focus()
    to_till(page, manager)
    mine = page.locator("#reports .rows > li").filter(has_text="X: manager")
    expect(mine).to_have_count(1)
    mine.locator("summary").press("Enter")
    paper = printed_by(mine)
    assert "X: manager" in paper and "X, as of" in paper and "Your shift" not in paper, paper


def test_the_collection_of_a_day_goes_on_paper_with_its_sums(house, window, looks):
    page = window(house.theatre["counter"])
    sign_in(page, house.staff("counter"))
    sell(page, 3)
    page.keyboard.press("l")
    page.goto(house.theatre["counter"] + "/till")
    page.locator("#staff").fill(house.staff("manager")["name"])
    page.locator("#pin").fill(house.staff("manager")["pin"])
    page.keyboard.press("Enter")
    expect(page.locator("#reports")).to_be_visible()
    page.evaluate(KEEP_PAPER)
    to_paper(page)
    page.locator("button[name=paper][value='collection.csv']").evaluate("key => key.click()")
    page.wait_for_function("() => window.paper")
    paper = page.evaluate("window.paper")
    for part in [house.theatre["name"], "Daily collection", "For the theatre", "For the distributor"]:
        assert part in paper, paper
    assert "Print" not in paper and "Shifts and reports" not in paper
    rows = page.locator("#sheet tbody tr").evaluate_all("rows => rows.map((row) => [...row.cells].map((cell) => cell.textContent))")
    head = page.locator("#sheet thead th").evaluate_all("cells => cells.map((cell) => cell.textContent)")
    sums = page.locator("#sheet tfoot tr").evaluate("row => [...row.cells].map((cell) => cell.textContent)")
    for column in ["Issued", "Count", "Gross", "Net", "CGST", "SGST"]:
        at = head.index(column)
        assert round(sum(float(row[at]) for row in rows), 2) == float(sums[at]) > 0, column
    page.evaluate("document.body.classList.add('on-paper')")
    page.screenshot(path=looks.folder / "paper-collection.png", full_page=True)


AMOUNTS = [
    ("1,000", 100_000), ("1,00,000.50", 10_000_050), ("12,34,567", 123_456_700), ("1,234,567.5", 123_456_750), ("99.50", 9_950),
    ("99,50", 9_950), ("250", 25_000), (" ₹ 1,000 ", 100_000), ("Rs. 500/-", 50_000), (".5", 50), ("0", 0), ("7.", 700),
    ("1,000,50", None), ("10,00", 1_000), ("1,00,00", None), ("1.000", None), ("1.000,50", None), ("1,0000", None), ("-5", None), ("5 000", None),
    ("", None), ("abc", None), ("1e3", None), ("1..5", None), ("99999999999999", None),
]


def test_amounts_are_read_as_people_in_india_write_them_and_never_guessed(house, window):
    page = window(house.theatre["counter"])
    script = "async (texts) => { const { typedAmount } = await import('/assets/typed.js'); return texts.map(typedAmount); }"
    found = page.evaluate(script, [text for text, _ in AMOUNTS])
    assert dict(zip((text for text, _ in AMOUNTS), found)) == dict(AMOUNTS)


def to_till(page, staff):
    page.keyboard.type(staff["name"])
    page.keyboard.press("Tab")
    page.keyboard.type(staff["pin"])
    page.keyboard.press("Enter")


def test_cash_that_goes_out_is_written_down_once_however_often_enter_is_pressed_and_answers_are_lost(house, manager, window):
    house.close_shift("manager")
    house.as_manager("/v1/shifts", {"float": [{"face_minor": 50_000, "count": 10}]})
    page = window(house.theatre["counter"] + "/till", loses_server=True)
    expect(page.locator("#staff")).to_be_focused()
    to_till(page, manager)
    expect(page.locator("#cash")).to_be_visible()
    sent = []
    page.on("request", lambda request: sent.append(request) if request.url.endswith("/cash") else None)
    page.locator("#cash input[value=out]").check()
    page.get_by_label("Amount").fill("1,000,50")
    page.get_by_label("What for").fill("to the bank")
    page.get_by_label("What for").press("Enter")
    expect(page.locator("#cash [role=alert]")).to_contain_text("1,00,000")
    assert sent == []
    # Every answer is lost, then the page is loaded again: the same words are asked again under the same key.
    page.route("**/cash", lambda route: (route.fetch(), route.abort()))
    page.get_by_label("Amount").fill("1,000")
    page.get_by_label("What for").press("Enter")
    page.get_by_label("What for").press("Enter")
    expect(page.locator("#cash [role=alert]")).to_contain_text("No answer", timeout=20_000)
    page.unroute("**/cash")
    page.reload()
    expect(page.locator("#own .report")).to_contain_text("₹1,000")
    page.locator("#cash input[value=out]").check()
    page.get_by_label("Amount").fill("1,000")
    page.get_by_label("What for").fill("to the bank")
    page.get_by_label("What for").press("Enter")
    expect(page.locator("#cash [role=alert]")).to_contain_text("₹1,000 out")
    assert len({request.headers["idempotency-key"] for request in sent}) == 1
    told = house.shift_of("manager")
    assert told["paid_out"]["minor"] == 100_000, told
