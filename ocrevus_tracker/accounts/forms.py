"""Sign-in forms."""

from typing import TYPE_CHECKING, Any

from allauth.account.forms import RequestLoginCodeForm

if TYPE_CHECKING:
    from .models import User


class RequestCodeForm(RequestLoginCodeForm):  # type: ignore[misc]  # allauth ships no types
    """Asks for the address a code should go to.

    A code by e-mail is the low-assurance door, for patients. Staff see whole charts, so for
    this form they do not exist: it answers the same and sends nothing.
    """

    def clean_email(self) -> Any:  # noqa: ANN401 - allauth's own signature
        """The typed address; `_user` is who will get a code."""
        email = super().clean_email()
        user: User | None = self._user  # type: ignore[has-type]
        if user and user.works_at_a_clinic:
            self._user = None
        return email
