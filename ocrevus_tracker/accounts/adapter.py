"""How django-allauth serves this product: nobody signs up by themselves."""

import logging
from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from .models import User

log = logging.getLogger(__name__)

TOO_MANY = _("Too many tries. Wait 10 minutes or call your clinic. Your dates are safe.")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _("The email address or the password is not right"),
        "incorrect_code": _("That code does not match. Check the 6 numbers, or get a new code."),
        "rate_limited": TOO_MANY,
        "too_many_login_attempts": TOO_MANY,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Clinics add people; the public does not."""
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a sign-in mail, in its reader's language. A mail server that is away makes no
        difference to the answer: an error page for known addresses alone would tell them from
        unknown ones.
        """
        try:
            with translation.override(_language_of(email)):
                super().send_mail(template_prefix, email, context)
        except (OSError, SMTPException) as error:
            # Its words may quote the address.
            log.error("A sign-in mail could not be sent: %s", type(error).__name__)  # noqa: TRY400

    def get_from_email(self) -> str:
        """The neutral sender of all mail."""
        return str(settings.DEFAULT_FROM_EMAIL)


def _language_of(email: str) -> str:
    """The language of the patient who signs in with this address; that of the pages for others."""
    users = User.objects.filter(email__iexact=email, patients__isnull=False)
    return users.values_list("patients__language", flat=True).first() or settings.LANGUAGE_CODE
