"""How django-allauth serves this product: nobody signs up, and nobody learns who is here."""

import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from . import devices, events, factors, mailing, sessions
from .models import User
from .sealing import seal, unseal

TOO_MANY = _("Too many tries. Wait 10 minutes or call your clinic. Your dates are safe.")
WRONG_CODE = _("That code does not match. Check the 6 numbers, or get a new code.")

# In the session between a door's form and the sign-in: "Keep me signed in" was ticked.
KEEP = "keep me signed in"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _("The email address or the password is not right"),
        "enter_current_password": _("That is not your current password"),
        "incorrect_password": _("That is not your password"),
        "incorrect_code": WRONG_CODE,
        "rate_limited": TOO_MANY,
        "too_many_login_attempts": TOO_MANY,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Clinics add people; the public does not."""
        return False

    # -- Who gets in ---------------------------------------------------------

    def get_login_stages(self) -> list[str]:
        """allauth's, with a second step for staff alone: a patient who has a passkey may still
        sign in with a code where the passkey is not at hand.
        """
        theirs = "allauth.mfa.stages.AuthenticateStage"
        ours = "ocrevus_tracker.accounts.stages.StaffSecondStep"
        return [ours if stage == theirs else stage for stage in super().get_login_stages()]

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:  # noqa: ANN401 - allauth's own signature
        """Who has this address and password; at the door only staff, who take a second step."""
        user: User | None = super().authenticate(request, **credentials)
        if request.user.is_authenticated or (user and user.is_active and user.needs_second_step):
            return user
        if user:
            self.authentication_failed(request, **credentials)
        return None

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:  # noqa: ANN401 - see above
        """Note it, with one query whether somebody has the address or not."""
        person = User.objects.filter(email=credentials.get("email", "").lower()).first()
        events.tell(events.What.FAILED, person, "password")

    def login(self, request: HttpRequest, user: User) -> None:
        """Begin the session: with a new id and its own limits."""
        keep = bool(request.session.pop(KEEP, False))
        super().login(request, user)
        kind = sessions.Kind.DEVICE if keep else sessions.Kind.VISIT
        if user.needs_second_step:
            kind = sessions.Kind.STAFF
        sessions.begin(request.session, kind, time.time())
        events.tell(events.What.SIGNED_IN, user)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:  # noqa: ANN401 - see above
        """Go on to where they wanted to be. The device keeps tries of its own from now on; a
        patient without a passkey is offered one, once.
        """
        response = super().post_login(request, user, **kwargs)
        if factors.offer_passkey(user, timezone.now()):
            there = urlencode({"next": response.url})
            response = HttpResponseRedirect(f"{reverse('offer_passkey')}?{there}")
        devices.remember(request, response, user.email)
        return response

    def logout(self, request: HttpRequest) -> None:
        if isinstance(request.user, User):
            events.tell(events.What.SIGNED_OUT, request.user)
        super().logout(request)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:  # noqa: ANN401 - see above
        """Not for who has just signed in."""
        if sessions.is_fresh(self.request.session, time.time()):
            return False
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return resolve_url("mfa_index")

    def is_safe_url(self, url: str) -> bool:
        """Whether a link may lead there after signing in: to a page of ours, nowhere else."""
        return url.startswith("/") and bool(super().is_safe_url(url))

    # -- Whose tries are counted ---------------------------------------------

    def get_client_ip(self, request: HttpRequest) -> str:
        """Whom allauth's limits per address on the net are for; a device that knows the typed
        person stands for itself.
        """
        return devices.allowance(request, _who_tries(request)) or str(
            super().get_client_ip(request)
        )

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:  # noqa: ANN401 - see above
        email = credentials.get("email", "").lower()
        return f"{email} {devices.allowance(request, email)}"

    # -- Mail ----------------------------------------------------------------

    def generate_login_code(self) -> str:
        """A code that the session keeps sealed, so that a copy of the database does not tell it."""
        return seal(super().generate_login_code())

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Have a sign-in mail sent, in its reader's language. Whoever has no code coming is told
        so by mail and nowhere else; all that happens here is the same for both.
        """
        sealed = context.get("code") or self.generate_login_code()
        link = f"{settings.SITE_URL}{reverse('sign_in_link')}?{urlencode({'code': sealed})}"
        name = template_prefix.rpartition("/")[2]
        facts = {"code": unseal(sealed), "link": link}
        mailing.send_later(name, email, _language_of(email), facts)


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("That did not work. Check the code, or wait for the next one."),
        "cannot_delete_authenticator": _("This is your only second step. Add another one first."),
    }

    def encrypt(self, text: str) -> str:
        """Secrets of apps and recovery codes are kept sealed."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Nobody takes away what they need to get in again."""
        return not (authenticator.user.needs_a_factor and factors.is_last(authenticator))

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """What a passkey belongs to: this host, under the service's neutral name."""
        return super().get_public_key_credential_rp_entity() | {"name": settings.SITE_NAME}


def _who_tries(request: HttpRequest) -> str:
    """The address that was typed now or in the step before, or that of who is signed in."""
    if typed := request.POST.get("login") or request.POST.get("email"):
        return str(typed)
    if request.user.is_authenticated:
        return request.user.email
    return str((request.session.get(LOGIN_SESSION_KEY) or {}).get("email") or "")


def _language_of(email: str) -> str:
    """The language of the patient who signs in with this address; that of the pages for others."""
    users = User.objects.filter(email=email.lower(), patients__isnull=False)
    return users.values_list("patients__language", flat=True).first() or settings.LANGUAGE_CODE
