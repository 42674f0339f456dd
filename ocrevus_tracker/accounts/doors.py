"""The doors: allauth's views where people get in and out, with what they leave to us."""

import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login_by_code import LoginCodeVerificationProcess
from allauth.account.internal.stagekit import LOGIN_SESSION_KEY, clear_login
from allauth.account.models import Login
from allauth.account.stages import LoginByCodeStage, LoginStage
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import (
    ConfirmLoginCodeView,
    LoginView,
    LogoutView,
    RequestLoginCodeView,
)
from allauth.mfa.webauthn.internal import flows as passkeys
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from . import drafts, ending, events, sessions
from .adapter import KEEP, TOO_MANY
from .forms import may_ask_for_code, opened
from .models import User


def _waiting(request: HttpRequest) -> dict[str, Any]:
    """Of whoever waits for a code in this browser, what allauth keeps: "email", "at" and more;
    empty for nobody. allauth looks up a person whom it knows each time it reads this; so that
    an unknown one takes as long, we look up nobody.
    """
    login = request.session.get(LOGIN_SESSION_KEY) or {}
    stages = login.get("state", {}).get("stages", {})
    if stages.get("current") != LoginByCodeStage.key:
        return {}
    if login.get("user_pk") is None:
        User.objects.filter(pk=0).first()
    found: dict[str, Any] = stages[LoginByCodeStage.key]["data"]
    return found


class AskForCode(RequestLoginCodeView):  # type: ignore[misc]  # allauth ships no types
    """The patients' door: an address to send a code to, or a passkey."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ANN401 - allauth's own signature
        _waiting(request)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ANN401 - allauth's own signature
        """Staff whose session ended are shown their own door, once."""
        if request.session.pop(ending.STAFF_DOOR, False):
            return redirect(self.passthrough_next_url(redirect("account_login").url))
        return super().get(request, *args, **kwargs)

    def _redirect_to_pending_stage(self, request: HttpRequest, stage: LoginStage) -> None:
        """Stay: who waits for a code may want it sent to another address."""

    def form_valid(self, form: Form) -> HttpResponse:
        """Send a code; an earlier one of this browser is gone with that."""
        person = form._user  # type: ignore[attr-defined]  # noqa: SLF001 - allauth's own name
        events.tell(events.What.CODE_SENT, person, "code")
        return super().form_valid(form)


class EnterCode(ConfirmLoginCodeView):  # type: ignore[misc]  # allauth ships no types
    """Where the code goes. It works in the browser that asked for it, once."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ANN401 - allauth's own signature
        waiting = _waiting(request)
        old = waiting and time.time() - waiting["at"] > app_settings.LOGIN_BY_CODE_TIMEOUT
        if old and request.method == "POST" and not request.user.is_authenticated:
            return _send_anew(request, waiting["email"])
        return super().dispatch(request, *args, **kwargs)

    def _resend_form_valid(self, form: Form) -> HttpResponse:
        """Another mail for everybody: with a code, or with the reason why there is none."""
        answer = super()._resend_form_valid(form)
        if self._process.user is None:
            get_adapter().send_mail(
                "account/email/unknown_account", self._process.state["email"], {}
            )
        return answer

    def _verify_form_valid(self, form: Form) -> HttpResponse:
        self.request.session[KEEP] = form.cleaned_data["keep"]
        return super()._verify_form_valid(form)

    def form_invalid(self, form: Form) -> HttpResponse:
        events.tell(events.What.FAILED, self._process.user, "code")
        return super().form_invalid(form)


def _send_anew(request: HttpRequest, email: str) -> HttpResponse:
    """The code is too old: another one, for the same address."""
    clear_login(request)
    if not may_ask_for_code(email):
        messages.error(request, str(TOO_MANY))
        return redirect("account_request_login_code")
    person = User.objects.who_may_get_a_code(email)
    events.tell(events.What.CODE_SENT, person, "code")
    LoginCodeVerificationProcess.initiate(request=request, user=person, email=email)
    new = _("That code is too old. We sent a new one to {email}.").format(email=email)
    messages.info(request, new)
    return HttpResponseRedirect(request.get_full_path())


@require_safe
@never_cache
def from_mail(request: HttpRequest) -> HttpResponse:
    """Where the link in the mail leads: a page with a button. Opening it changes nothing, for
    programs open links as well; and its code works in the browser that asked for it alone.
    """
    code = opened(request.GET.get("code", ""))
    return render(request, "account/from_mail.html", {"code": code, "waits": _waiting(request)})


class StaffDoor(LoginView):  # type: ignore[misc]  # allauth ships no types
    """An address and a password; the second step comes after."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ANN401 - allauth's own signature
        _waiting(request)
        return super().dispatch(request, *args, **kwargs)

    def _redirect_to_pending_stage(
        self, request: HttpRequest, stage: LoginStage
    ) -> HttpResponse | None:
        if stage.key == LoginByCodeStage.key:
            return None  # asked for a patient's code, then saw that this is the door
        return super()._redirect_to_pending_stage(request, stage)


class PasskeyDoor(LoginWebAuthnView):  # type: ignore[misc]  # allauth ships no types
    """Signs in with a passkey alone, which has asked for a finger, a face or a PIN itself."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ANN401 - allauth's own signature
        _waiting(request)
        return super().dispatch(request, *args, **kwargs)

    def _redirect_to_pending_stage(self, request: HttpRequest, stage: LoginStage) -> None:
        """Stay: a passkey does without the step that waits."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ANN401 - allauth's own signature
        answer = super().get(request, *args, **kwargs)
        return answer if isinstance(answer, JsonResponse) else self._back()

    def form_valid(self, form: Form) -> HttpResponse:
        authenticator = form.cleaned_data["credential"]
        self.request.session[KEEP] = "keep" in self.request.POST
        login = Login(user=authenticator.user, redirect_url=get_next_redirect_url(self.request))
        return passkeys.perform_passwordless_login(self.request, authenticator, login)

    def form_invalid(self, form: Form) -> HttpResponse:
        events.tell(events.What.FAILED, None, "webauthn")
        messages.error(self.request, _("That passkey did not work. Try again, or use a code."))
        return self._back()

    def _back(self) -> HttpResponse:
        staff = self.request.POST.get("door") == "staff"
        return redirect("account_login" if staff else "account_request_login_code")


class SignOut(LogoutView):  # type: ignore[misc]  # allauth ships no types
    """Takes a button, and takes what the browser kept of the pages with it."""

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ANN401 - allauth's own signature
        return ending.forget_pages(super().post(*args, **kwargs))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stay(request: HttpRequest) -> JsonResponse:
    """How many seconds are left; a POST asks for more. Asking alone is not using the session."""
    if not request.user.is_authenticated:
        return JsonResponse({"seconds": 0}, status=401)
    now = time.time()
    if request.method == "POST":
        sessions.extend(request.session, now)
    return JsonResponse({"seconds": sessions.seconds_left(request.session, now)})


@never_cache
@require_POST
def timed_out(request: HttpRequest) -> HttpResponse:
    """A page whose time is over sends what was typed on it; it comes back after signing in."""
    there = get_next_redirect_url(request) or ""
    if request.user.is_authenticated:
        ending.end(request)
    ended = ending.ended(request)
    if ended and there and drafts.is_form(request.POST):
        drafts.keep(
            request.session,
            user_pk=ended.user_pk,
            path=there,
            data=request.POST,
            now=time.time(),
        )
    return ending.to_the_door(request, there)


@login_required
@never_cache
@require_safe
def offer_passkey(request: HttpRequest) -> HttpResponse:
    """Shown once, after a patient signed in with a code."""
    there = get_next_redirect_url(request) or redirect("home").url
    return render(request, "account/offer_passkey.html", {"there": there})
