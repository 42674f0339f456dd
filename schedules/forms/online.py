"""What a patient types to claim their record, and what staff say about access to one."""

import datetime as dt
from typing import Any

from django.utils.translation import gettext_lazy as _

from .base import CleanForm, OneLineField
from .fields import DayPartsField

# Said again, they change nothing: no key is needed to tell a second tap.
NO_KEY = None


class ClaimForm(CleanForm):
    """The date of birth, to which whoever reads the mailbox must know the answer."""

    entry_key = NO_KEY  # type: ignore[assignment]
    born = DayPartsField(
        label=_("Your date of birth"),
        subject=_("The date of birth"),
        help_text=_("For example, 3 27 1982"),
        error_messages={"required": _("Enter your date of birth")},
    )

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own options
        super().__init__(*args, today=today, **kwargs)


class InviteForm(CleanForm):
    """Nothing but the key: the address is the one on file."""


class EndAccessForm(CleanForm):
    """Why nobody may see a record online any more."""

    entry_key = NO_KEY  # type: ignore[assignment]
    reason = OneLineField(
        label=_("Reason"),
        required=False,
        error_messages={"max_length": _("Use %(limit_value)d characters or fewer")},
    )
