"""Devices that somebody has signed in on before.

Whoever keeps failing at a victim's door uses up the tries of that address. A device that the
victim has signed in on keeps tries of its own, so that nobody can be locked out of it from
outside. The cookie proves the device; it opens nothing.
"""

from dataclasses import dataclass
from secrets import token_urlsafe

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

COOKIE = "device"
SALT = "accounts.devices"
YEARS = 2 * 365 * 24 * 60 * 60
MOST_PEOPLE = 8  # a family's tablet


@dataclass(frozen=True, slots=True)
class Device:
    """`who` are marks of addresses, newest first; an address cannot be read from its mark."""

    name: str
    who: tuple[str, ...] = ()

    def knows(self, email: str) -> bool:
        """Whether the person with this address has signed in here."""
        return _mark(email) in self.who


def of(request: HttpRequest) -> Device | None:
    """The device that the request comes from, if it has been here before."""
    try:
        name, who = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=YEARS)
    except (signing.BadSignature, TypeError, ValueError):
        return None
    return Device(name, tuple(who))


def remember(request: HttpRequest, response: HttpResponse, email: str) -> None:
    """Note on the device that the person with this address has signed in there."""
    device = of(request) or Device(token_urlsafe(12))
    others = [mark for mark in device.who if mark != _mark(email)]
    who = [_mark(email), *others][:MOST_PEOPLE]
    response.set_cookie(
        COOKIE,
        signing.dumps([device.name, who], salt=SALT),
        max_age=YEARS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def allowance(request: HttpRequest, email: str) -> str:
    """Whose tries are counted: the device's own for somebody it knows, else "" for all others."""
    device = of(request)
    return f"device-{device.name}" if device and email and device.knows(email) else ""


def _mark(email: str) -> str:
    return salted_hmac(SALT, email.strip().lower(), algorithm="sha256").hexdigest()[:24]
