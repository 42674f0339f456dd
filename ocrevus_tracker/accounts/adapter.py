"""How django-allauth serves this product: nobody signs up by themselves."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Clinics add people; the public does not."""
        return False

    def get_from_email(self) -> str:
        """The neutral sender of all mail."""
        return str(settings.DEFAULT_FROM_EMAIL)
