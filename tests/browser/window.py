"""A browser window that writes down whatever the browser complains about."""

WIDE = 1440
FINGERS_MS = 30
HEIGHTS = {360: 780, 390: 844, 1440: 900}
EXPECTED = [
    # Listed once, by the answer.
    "Failed to load resource",
    # The payment page puts the focus on its button, which a pane may not do: nothing is lost.
    "Blocked autofocusing",
]


class Window:
    """One page in a context of its own, so that nothing is kept from another test."""

    def __init__(self, browser, url, width=WIDE, refusals=frozenset(), loses_server=False, touch=False):
        # Statuses that this test provokes.
        self.refusals = refusals
        # Whether this test takes the page's server away.
        self.loses_server = loses_server
        size = {"width": width, "height": HEIGHTS[width]}
        self.context = browser.new_context(viewport=size, locale="en-IN", timezone_id="Asia/Kolkata", has_touch=touch)
        self.context.set_default_timeout(15_000)
        self.faults = []
        self.page = self.context.new_page()
        self.keep_to_the_pace_of_fingers()
        self.page.on("console", self.on_console)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("requestfailed", self.on_request_failed)
        self.page.on("response", self.on_response)
        self.page.goto(url)

    def keep_to_the_pace_of_fingers(self):
        """Keys that follow each other faster than fingers can are a reader's, and press nothing."""
        page, press = self.page, self.page.keyboard.press

        def pressed(key, **options):
            page.wait_for_timeout(FINGERS_MS)
            press(key, **options)

        page.keyboard.press = pressed

    def on_console(self, message):
        if message.type in {"error", "warning"} and not any(text in message.text for text in EXPECTED):
            self.faults.append(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def on_request_failed(self, request):
        # Leaving a page ends its open streams and polls.
        if request.failure != "net::ERR_ABORTED" and not self.loses_server:
            self.faults.append(f"failed: {request.method} {request.url}: {request.failure}")

    def on_response(self, response):
        if response.status >= 400 and response.status not in self.refusals:
            self.faults.append(f"answered {response.status}: {response.request.method} {response.url}")

    def close(self):
        self.context.close()
