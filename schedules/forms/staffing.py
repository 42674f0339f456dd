"""Who works at a clinic, as its admins say it."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import Role, User

from .base import CleanForm, OneLineField
from .people import ADDRESS, plain_address

# Hashing takes longer the more there is; no sentence that anybody remembers is longer.
LONGEST_PASSWORD = 200

# Said again, they change nothing: no key is needed to tell a second tap.
NO_KEY = None

ROLES = [
    (Role.NURSE, _("Nurse: records infusions, holds and checks; books visits")),
    (Role.COORDINATOR, _("Coordinator: books visits and calls; records nothing clinical")),
    (Role.PRESCRIBER, _("Prescriber: as a nurse, and overrides, restarts, the clinic's rules")),
    (Role.ADMIN, _("Clinic admin: people, rules and the trail; records nothing clinical")),
    (Role.AUDITOR, _("Auditor: reads the trail, and sees no record")),
]


def _reason(**options: Any) -> OneLineField:  # noqa: ANN401 - Django's own options
    too_long = {"max_length": _("Use %(limit_value)d characters or fewer")}
    return OneLineField(label=_("Reason"), required=False, error_messages=too_long, **options)


class InviteStaffForm(CleanForm):
    """Whom to ask, and as what."""

    email = forms.EmailField(
        label=_("Email address"),
        help_text=_("The person opens the link in our email, and signs in with this address."),
        max_length=254,
        validators=[plain_address],
        error_messages={
            "invalid": ADDRESS,
            "required": ADDRESS,
            "max_length": _("Use %(limit_value)d characters or fewer"),
        },
    )
    role = forms.ChoiceField(label=_("Role"), choices=ROLES, widget=forms.RadioSelect)


class JoinForm(CleanForm):
    """What a new colleague is called, and the password for the staff's door."""

    entry_key = NO_KEY  # type: ignore[assignment]
    name = OneLineField(
        label=_("Your name"),
        help_text=_("Colleagues see it beside what you record."),
        max_length=150,
        error_messages={"max_length": _("Use %(limit_value)d characters or fewer")},
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("Choose a password"),
        help_text=_("At least 12 characters. A few words in a row are easy to remember."),
        max_length=LONGEST_PASSWORD,
        strip=False,
        error_messages={"max_length": _("Use %(limit_value)d characters or fewer")},
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("The password again"),
        max_length=LONGEST_PASSWORD,
        strip=False,
        error_messages={"max_length": _("Use %(limit_value)d characters or fewer")},
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    def __init__(self, data: QueryDict | None = None, *, email: str) -> None:
        super().__init__(data)
        self.email = email

    def clean_password(self) -> str:
        """Long enough, and none that everybody tries."""
        chosen: str = self.cleaned_data["password"]
        validate_password(chosen, User(email=self.email))
        return chosen

    def clean(self) -> dict[str, Any]:
        """Typed twice, because nobody sees what was typed."""
        answers = self.cleaned_data
        if {"password", "again"} <= answers.keys() and answers["password"] != answers["again"]:
            self.add_error("again", gettext("This is not the same password. Type it again"))
        return answers


class RoleForm(CleanForm):
    """What a person does at the clinic."""

    entry_key = NO_KEY  # type: ignore[assignment]
    role = forms.ChoiceField(label=_("Role"), choices=ROLES, widget=forms.RadioSelect)
    reason = _reason()


class RemoveForm(CleanForm):
    """Why somebody does not work there any more."""

    entry_key = NO_KEY  # type: ignore[assignment]
    reason = _reason()
