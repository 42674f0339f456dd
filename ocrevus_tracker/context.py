"""What every page knows without asking."""

import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from ocrevus_tracker.accounts import sessions
from ocrevus_tracker.accounts.models import Clinic


def site(request: HttpRequest) -> dict[str, Any]:
    """The service's neutral name; whom to call where a page does not say which clinic; in how
    many seconds the session ends; and, in a demo, where its mail can be read.
    """
    return {
        "site_name": settings.SITE_NAME,
        "clinic": SimpleLazyObject(only_clinic),
        "session_ends_in": _session_ends_in(request),
        "demo_mail_dir": _demo_mail_dir(),
    }


def _session_ends_in(request: HttpRequest) -> int | None:
    """Seconds; None where nobody is signed in or the device is trusted."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    if sessions.kind_of(request.session) == sessions.Kind.DEVICE:
        return None
    return sessions.seconds_left(request.session, time.time())


def only_clinic() -> Clinic | None:
    """The clinic, where there is exactly one; nobody is sent to the wrong one's phone."""
    clinics = list(Clinic.objects.all()[:2])
    return clinics[0] if len(clinics) == 1 else None


def _demo_mail_dir() -> str:
    written = settings.EMAIL_BACKEND == "django.core.mail.backends.filebased.EmailBackend"
    return f"{settings.VAR_DIR.name}/mail" if settings.DEBUG and written else ""
