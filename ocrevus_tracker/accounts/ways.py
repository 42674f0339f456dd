"""Where people see and change how they sign in: passkeys, the app, recovery codes, the password.

All of it asks again who they are, unless they have just signed in.
"""

import time
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import PasswordChangeView, ReauthenticateView
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base.views import IndexView
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.internal import auth
from allauth.mfa.webauthn.internal import flows as passkeys
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
)
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic.edit import FormView

from . import events, factors, sessions
from .events import What


@method_decorator(never_cache, name="dispatch")
class Ways(IndexView):  # type: ignore[misc]  # allauth ships no types
    """How I sign in."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401 - Django's own signature
        user = self.request.user
        mine = {
            "staff": user.needs_second_step,
            "missing": user.needs_second_step and not factors.is_proven(self.request),
        }
        return super().get_context_data(**kwargs) | mine


@method_decorator([login_required, never_cache], name="dispatch")
class AddPasskey(AddWebAuthnView):  # type: ignore[misc]  # allauth ships no types
    """Has the browser make a passkey that signs in without anything else."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ANN401 - Django's own signature
        """Who has nothing yet to say who they are with must have signed in just now."""
        means = get_adapter().get_reauthentication_methods(request.user)
        if not means and not sessions.is_fresh(request.session, time.time()):
            return render(request, "account/sign_in_first.html")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401 - Django's own signature
        context = FormView.get_context_data(self, **kwargs)
        options = auth.begin_registration(self.request.user, passwordless=True)
        there = get_next_redirect_url(self.request)
        return context | {"options": options, "there": there or reverse("mfa_index")}

    def form_valid(self, form: Form) -> HttpResponse:
        """Staff get recovery codes with their first; a patient has codes by e-mail."""
        user, kind = self.request.user, "webauthn"
        if user.needs_second_step:
            answer = super().form_valid(form)
        else:
            made = form.cleaned_data
            passkeys.signup_authenticator(
                self.request, user, name=made["name"], credential=made["credential"]
            )
            answer = redirect(get_next_redirect_url(self.request) or "mfa_index")
        factors.prove(self.request, kind)
        events.tell(What.FACTOR_ADDED, user, kind)
        return answer


class RemovePasskey(RemoveWebAuthnView):  # type: ignore[misc]  # allauth ships no types
    success_url = reverse_lazy("mfa_index")

    def form_valid(self, form: Form) -> HttpResponse:
        """Remove it and end all other sessions; the only way in stays."""
        adapter = get_mfa_adapter()
        if not adapter.can_delete_authenticator(self.get_object()):
            messages.error(self.request, adapter.error_messages["cannot_delete_authenticator"])
            return redirect("mfa_index")
        answer = super().form_valid(form)
        _others_end(self.request, What.FACTOR_REMOVED, "webauthn")
        return answer


class SetUpApp(ActivateTOTPView):  # type: ignore[misc]  # allauth ships no types
    """Shows the secret to an app, and asks for its first code."""

    def form_valid(self, form: Form) -> HttpResponse:
        answer = super().form_valid(form)
        factors.prove(self.request, "totp")
        events.tell(What.FACTOR_ADDED, self.request.user, "totp")
        return answer


class RemoveApp(DeactivateTOTPView):  # type: ignore[misc]  # allauth ships no types
    def form_valid(self, form: Form) -> HttpResponse:
        answer = super().form_valid(form)
        _others_end(self.request, What.FACTOR_REMOVED, "totp")
        return answer


class NewRecoveryCodes(GenerateRecoveryCodesView):  # type: ignore[misc]  # allauth ships no types
    def form_valid(self, form: Form) -> HttpResponse:
        answer = super().form_valid(form)
        _others_end(self.request, What.RECOVERY_CODES_MADE, "")
        return answer


class ChangePassword(PasswordChangeView):  # type: ignore[misc]  # allauth ships no types
    """For those who have one; patients need none."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ANN401 - Django's own signature
        if request.user.is_authenticated and not request.user.has_usable_password():
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Form) -> HttpResponse:
        answer = super().form_valid(form)
        _others_end(self.request, What.PASSWORD_CHANGED, "")
        return answer


class AgainByPassword(ReauthenticateView):  # type: ignore[misc]  # allauth ships no types
    """Asks for the password of somebody who is signed in."""


class AgainByPasskey(ReauthenticateWebAuthnView):  # type: ignore[misc]  # allauth ships no types
    """Asks for a passkey of somebody who is signed in."""

    def form_invalid(self, form: Form) -> HttpResponse:
        messages.error(self.request, _("That passkey did not work. Try again."))
        return HttpResponseRedirect(self.request.get_full_path())


def _others_end(request: HttpRequest, what: What, detail: str) -> None:
    user = sessions.end_others(request)
    events.tell(what, user, detail)
