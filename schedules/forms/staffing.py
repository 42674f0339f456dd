"""Who works at a clinic, as its admins say it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import Role

from .base import CleanForm, OneLineField

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


class RoleForm(CleanForm):
    """What a person does at the clinic."""

    entry_key = NO_KEY  # type: ignore[assignment]
    role = forms.ChoiceField(label=_("Role"), choices=ROLES, widget=forms.RadioSelect)
    reason = _reason()


class RemoveForm(CleanForm):
    """Why somebody does not work there any more."""

    entry_key = NO_KEY  # type: ignore[assignment]
    reason = _reason()
