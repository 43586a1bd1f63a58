"""A line that loses what is asked, or what is answered."""

import contextlib

from playwright.sync_api import Error


def lose_answers(page, pattern):
    """Requests arrive; their answers do not."""
    def lose(route):
        route.fetch()
        # A page that has gone meanwhile hears nothing either.
        with contextlib.suppress(Error):
            route.abort()

    page.route(pattern, lose)


def lose_requests(page, pattern):
    """Requests do not even arrive."""
    page.route(pattern, lambda route: route.abort())
