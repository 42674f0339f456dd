"""The outermost wall: what never gets in, and what every answer says to the browser.

It stands around all other middleware, so an error of theirs, a file and a redirect are dressed
like any page. The content policy and the permissions are written outside it, by their libraries.
"""

import logging
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Audience, access_of

log = logging.getLogger(__name__)

# Longer ones are no link and no cookie of ours: in characters, as they came.
LONGEST_ADDRESS = 4000
LONGEST_COOKIES = 8000

# Unless a view says otherwise. Files say how long they may be kept; a page may name a patient,
# so no browser and no proxy keeps it.
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Walls:
    """Refuses what no browser of ours sends, and redirects that would lead to another site."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._inside = get_response
        self._of_django = SecurityMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = _refusal(request) or self._inside(request)
        if not _stays_here(request, answer):
            log.warning("Refused: a redirect to another site")
            answer = _refuse(400)
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        if policy := _referrer_policy(request):
            answer.headers["Referrer-Policy"] = policy
        self._of_django.process_response(request, answer)  # type: ignore[arg-type]  # a file is fine too
        return answer


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """The answer to a request that goes no further; None for all others."""
    if not _is_for_us(request):
        return _refuse(400)
    if _has_nul(request):
        log.warning("Refused: a NUL in an address or a cookie")
        return _refuse(400)
    too_long = {
        413: (_length_of_body(request), settings.DATA_UPLOAD_MAX_MEMORY_SIZE),
        414: (len(request.get_full_path()), LONGEST_ADDRESS),
        431: (len(request.META.get("HTTP_COOKIE", "")), LONGEST_COOKIES),
    }
    for status, (length, longest) in too_long.items():
        if longest is not None and length > longest:
            return _refuse(status, _("That is too long for us. Shorten it and send it again."))
    return None


def _is_for_us(request: HttpRequest) -> bool:
    """Whether the host is ours and the address a path: `GET http://elsewhere/` has another host
    in it than the header that Django looks at.
    """
    try:
        request.get_host()
    except DisallowedHost:
        log.warning("Refused: a host that is not ours")
        return False
    raw = str(request.META.get("RAW_URI") or request.path_info)
    return raw.startswith("/") and request.path_info.startswith("/")


def _has_nul(request: HttpRequest) -> bool:
    """Whether a NUL could reach the database, which cannot look for one."""
    return (
        "\0" in request.path_info
        or "%00" in request.META.get("QUERY_STRING", "")
        or any("\0" in value for value in request.COOKIES.values())
    )


def _length_of_body(request: HttpRequest) -> int:
    """What is announced, in bytes; nothing of a body is read beyond that."""
    length = str(request.META.get("CONTENT_LENGTH") or "")
    return int(length) if length.isdecimal() else 0


def _stays_here(request: HttpRequest, answer: HttpResponseBase) -> bool:
    location = answer.headers.get("Location")
    if location is None:
        return True
    return url_has_allowed_host_and_scheme(location, allowed_hosts={request.get_host()})


def _referrer_policy(request: HttpRequest) -> str | None:
    """For a page whose address is a secret: it tells the address to nobody, not even to us.

    A page with a form token must let the browser name its origin, or the form is refused.
    """
    view = request.resolver_match.func if request.resolver_match else None
    access = access_of(view) if view else None
    if access is None or access.audience != Audience.LINK:
        return None
    return "no-referrer" if getattr(view, "csrf_exempt", False) else "strict-origin"


def _refuse(status: int, told: str = "") -> HttpResponse:
    """A page that asks neither the database nor the request for anything."""
    return HttpResponse(render_to_string("400.html", {"told": told}), status=status)
