"""What stands between a request and every page: the session's time, and the second step."""

import time
from collections.abc import Callable
from typing import Any

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from . import drafts, ending, factors, sessions
from .models import User

Answer = Callable[[HttpRequest], HttpResponse]

# Open to anybody; the session of somebody who happens to be signed in does not matter there.
OPEN = ("/sign-in/", "/sign-out/", "/mail/", "/healthz", "/readyz", "/favicon.ico")
# Where somebody sets up the second step that all else waits for.
SETTING_UP = "/my/sign-in/"

# All that a patient meets on the way in, whole in each of LANGUAGES.
PATIENTS_DOORS = (
    *("/sign-in/", "/sign-in/code/", "/sign-in/link/", "/sign-in/passkey/"),
    *("/my/sign-in/faster/", "/my/sign-in/passkeys/add/"),
)


class DoorLanguage:
    """Speaks the browser's language at the patients' doors: who knocks is not known yet, and
    whoever is, has chosen no language for pages. All other pages are in English.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path not in PATIENTS_DOORS:
            return self.get_response(request)
        with translation.override(translation.get_language_from_request(request)):
            response = self.get_response(request)
        patch_vary_headers(response, ("Accept-Language",))
        return response


class SessionLimits:
    """Ends sessions whose time is over, and brings back what was typed on their last page."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        now = time.time()
        if request.user.is_authenticated:
            if sessions.is_over(request.session, now):
                ending.end(request)
            elif request.path != reverse("stay"):
                sessions.touch(request.session, now)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:  # noqa: ANN401 - Django's own signature
        """After the form's token was checked: a draft is kept or comes back."""
        if request.path.startswith(OPEN):
            return None
        there, now = request.get_full_path(), time.time()
        if found := ending.ended(request):
            if request.method != "POST":
                return ending.to_the_door(request, there)
            if drafts.is_form(request.POST):
                drafts.keep(
                    request.session,
                    user_pk=found.user_pk,
                    path=there,
                    data=request.POST,
                    now=now,
                )
                return ending.to_the_door(request, there)
            return ending.to_the_door(request, "")
        if request.method == "GET" and isinstance(request.user, User):
            drafts.bring_back(request, request.user.pk, now)
        return None


class SecondStep:
    """Opens nothing but the doors to staff who have not taken their second step.

    A session begun at the staff's door says so itself; for any other the database is asked
    whether its owner works somewhere by now, for whom the patients' doors are too weak.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:  # noqa: ANN401 - Django's own signature
        user = request.user
        if not isinstance(user, User) or request.path.startswith(OPEN):
            return None
        if sessions.kind_of(request.session) == sessions.Kind.STAFF:
            if factors.is_proven(request) or request.path.startswith(SETTING_UP):
                return None
            return redirect("mfa_index")
        if user.needs_second_step:
            logout(request)
            return redirect("account_login")
        return None
