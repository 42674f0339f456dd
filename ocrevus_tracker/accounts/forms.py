"""Sign-in forms."""

from typing import TYPE_CHECKING, Any

from allauth.account.forms import ConfirmLoginCodeForm, LoginForm, RequestLoginCodeForm
from django import forms
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from .models import User


def _ask_for_email(field: forms.Field) -> None:
    field.error_messages["required"] = _("Enter your email address")
    field.error_messages["invalid"] = _("Enter an email address, like name@example.com")


class StaffSignInForm(LoginForm):  # type: ignore[misc]  # allauth ships no types
    """Asks staff for their address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - allauth's own signature
        super().__init__(*args, **kwargs)
        _ask_for_email(self.fields["login"])
        self.fields["password"].error_messages["required"] = _("Enter your password")


class ConfirmCodeForm(ConfirmLoginCodeForm):  # type: ignore[misc]  # allauth ships no types
    """Asks for the code that was sent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - allauth's own signature
        super().__init__(*args, **kwargs)
        self.fields["code"].error_messages["required"] = _("Enter the 6 numbers from the email")


class RequestCodeForm(RequestLoginCodeForm):  # type: ignore[misc]  # allauth ships no types
    """Asks for the address a code should go to.

    A code by e-mail is the low-assurance door, for patients. Staff see whole charts, so for
    this form they do not exist: it answers the same and sends nothing.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - allauth's own signature
        super().__init__(*args, **kwargs)
        _ask_for_email(self.fields["email"])

    def clean_email(self) -> Any:  # noqa: ANN401 - allauth's own signature
        """The typed address; `_user` is who will get a code."""
        email = super().clean_email()
        user: User | None = self._user  # type: ignore[has-type]
        if user and user.works_at_a_clinic:
            self._user = None
        return email
