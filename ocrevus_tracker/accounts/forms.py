"""Sign-in forms: allauth's, with our words and our limits."""

import logging
from typing import TYPE_CHECKING, Any

from allauth.account.forms import ConfirmLoginCodeForm, LoginForm, RequestLoginCodeForm
from allauth.core import context, ratelimit
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from cryptography.exceptions import InvalidSignature
from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from . import devices, events
from .adapter import TOO_MANY, MFAAdapter
from .factors import period
from .models import User
from .sealing import InvalidToken, seal, unseal

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

# Opened where nobody has a code coming, so that both cost the same.
NO_CODE = seal("no code")


def _ask_for_email(field: forms.Field) -> None:
    field.error_messages["required"] = _("Enter your email address")
    field.error_messages["invalid"] = _("Enter an email address, like name@example.com")


class StaffSignInForm(LoginForm):  # type: ignore[misc]  # allauth ships no types
    """Asks staff for their address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - allauth's own signature
        super().__init__(*args, **kwargs)
        _ask_for_email(self.fields["login"])
        self.fields["password"].error_messages["required"] = _("Enter your password")


class RequestCodeForm(RequestLoginCodeForm):  # type: ignore[misc]  # allauth ships no types
    """Asks for the address a code should go to; `_user` is who will get one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - allauth's own signature
        super().__init__(*args, **kwargs)
        _ask_for_email(self.fields["email"])

    def clean_email(self) -> str:
        """The typed address.

        Raises:
            ValidationError: it was asked for too often, known or not.
        """
        email = str(self.cleaned_data["email"]).lower()
        if not may_ask_for_code(email):
            raise ValidationError(TOO_MANY)
        self._user = User.objects.who_may_get_a_code(email)
        return email


def may_ask_for_code(email: str) -> bool:
    """Whether the limits allow one more code for this address, which counts it."""
    key = f"{email} {devices.allowance(context.request, email)}"
    return bool(ratelimit.consume(context.request, action="request_login_code", key=key))


class ConfirmCodeForm(ConfirmLoginCodeForm):  # type: ignore[misc]  # allauth ships no types
    """Asks for the code that was sent, with or without spaces and dashes."""

    keep = forms.BooleanField(required=False)

    def __init__(self, *args: Any, code: str = "", **kwargs: Any) -> None:  # noqa: ANN401 - allauth's own signature
        super().__init__(*args, code=opened(code), **kwargs)
        self.fields["code"].error_messages["required"] = _("Enter the 6 numbers from the email")


def opened(sealed: str) -> str:
    """The code that was sealed; "" where there is none or it cannot be read."""
    try:
        code = unseal(sealed or NO_CODE)
    except InvalidToken:  # SECRET_KEY has changed since
        return ""
    return code if sealed else ""


class _SecondStepCode(forms.Form):
    """Checks an app's code or a recovery code; neither works twice."""

    user: User
    authenticator: Authenticator

    def clean_code(self) -> str:
        request, code = context.request, str(self.cleaned_data["code"])
        key = f"second step {self.user.pk} {devices.allowance(request, self.user.email)}"
        if not ratelimit.consume(request, action="login_failed", key=key):
            raise ValidationError(TOO_MANY)
        for one in Authenticator.objects.filter(user=self.user).order_by("type"):
            if one.type != Authenticator.Type.WEBAUTHN and _opens(one, code):
                ratelimit.clear(request, action="login_failed", key=key)
                one.user, self.authenticator = self.user, one
                return code
        events.tell(events.What.FAILED, self.user, "second step")
        raise ValidationError(MFAAdapter.error_messages["incorrect_code"])


def _opens(authenticator: Authenticator, code: str) -> bool:
    try:
        if not authenticator.wrap().validate_code(code):
            return False
    except InvalidToken:
        log.error("SECRET_KEY has changed: authenticator %s cannot be read", authenticator.pk)  # noqa: TRY400 - no trace of a secret
        return False
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        return True
    # allauth notes a code as used for one period; with its tolerance a code lives three.
    used = f"used-code-{authenticator.pk}-{normalize_user_code(code)}"
    return cache.add(used, 1, timeout=3 * period())


class SecondStepForm(_SecondStepCode, AuthenticateForm):  # type: ignore[misc]  # allauth ships no types
    """The second step of signing in."""

    field_order = ("code",)


class AgainByCodeForm(_SecondStepCode, ReauthenticateForm):  # type: ignore[misc]  # allauth ships no types
    """Says again who somebody is."""


class SetUpAppForm(ActivateTOTPForm):  # type: ignore[misc]  # allauth ships no types
    """Asks for the first code of a new app. Until then its secret waits sealed in the session."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - allauth's own signature
        session = context.request.session
        if held := session.pop(SECRET_SESSION_KEY, ""):
            session[SECRET_SESSION_KEY] = unseal(held)
        super().__init__(*args, **kwargs)
        session[SECRET_SESSION_KEY] = seal(self.secret)
        self.fields["code"].error_messages["required"] = _("Enter the 6 numbers from the app")


def _no_passkey(check: "Callable[[], Any]") -> Any:  # noqa: ANN401 - whatever allauth's check gives
    """What `check` gives. A browser may send anything for a passkey, and neither allauth nor
    fido2 expects all of it.
    """
    try:
        return check()
    except (AttributeError, InvalidSignature, KeyError, LookupError, TypeError, ValueError):
        raise ValidationError(_("That passkey did not work. Try again.")) from None


class _PasskeyForm(forms.Form):
    def clean_credential(self) -> Authenticator:
        return _no_passkey(super().clean_credential)  # type: ignore[misc]


class PasskeySignInForm(_PasskeyForm, LoginWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    """Signs in with nothing but a passkey."""


class PasskeySecondStepForm(_PasskeyForm, AuthenticateWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    """A passkey after the password."""


class AgainByPasskeyForm(_PasskeyForm, ReauthenticateWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    """Says again who somebody is."""


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    """Takes what the browser made when somebody added a passkey."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = _no_passkey(super().clean)
        return cleaned
