"""A browser that is signed in already, for tests that are about what comes after."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from playwright.sync_api import Page

from ocrevus_tracker.accounts.models import User
from tests.cast import signed_in


@contextmanager
def signed_in_page(page: Page, user: User) -> Iterator[None]:
    """`page` belongs to `user` until the end."""
    name = settings.SESSION_COOKIE_NAME
    session = signed_in(user).cookies[name].value
    here = page.request.get("/healthz").url  # an address to keep a cookie for
    page.context.add_cookies([{"name": name, "value": session, "url": here}])
    yield
    page.context.clear_cookies()
