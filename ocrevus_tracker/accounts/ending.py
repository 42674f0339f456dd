"""What happens when a session ends by itself, and what a browser is told when one ends."""

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from . import events, sessions
from .models import User

# In the anonymous session that follows: the next visit to the patients' door is a mistake.
STAFF_DOOR = "staff door"


@dataclass(frozen=True, slots=True)
class Ended:
    """Whose session it was."""

    user_pk: int
    staff: bool


def end(request: HttpRequest) -> None:
    """End the session of the person who is signed in, whose time is over."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - asked for somebody who is signed in
    staff = sessions.kind_of(request.session) == sessions.Kind.STAFF
    events.tell(events.What.TIMED_OUT, user)
    logout(request)
    request.session[STAFF_DOOR] = staff
    request.ended = Ended(user.pk, staff)  # type: ignore[attr-defined]


def ended(request: HttpRequest) -> Ended | None:
    """Whose session ended with this request."""
    return getattr(request, "ended", None)


def to_the_door(request: HttpRequest, there: str) -> HttpResponse:
    """Where they sign in again, and from there back to `there`, a path of ours or ""."""
    found = ended(request)
    door = reverse("account_login" if found and found.staff else "account_request_login_code")
    request.session.pop(STAFF_DOOR, None)
    messages.info(
        request,
        _("You were signed out to keep your pages safe. Sign in, and what you typed comes back."),
    )
    query = f"?{urlencode({REDIRECT_FIELD_NAME: there})}" if there else ""
    return forget_pages(HttpResponseRedirect(door + query))


def forget_pages(response: HttpResponse) -> HttpResponse:
    """Have the browser drop what it kept: the way back must not show a patient. Its cookies
    stay, for one of them proves the device (see `devices`).
    """
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response
