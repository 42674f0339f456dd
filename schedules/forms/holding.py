"""What staff say about a hold or a pause."""

import datetime as dt
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from schedules.models import Hold, HoldReason

from .base import CleanForm, OneLineField
from .fields import DayPartsField

REASONS = [
    (HoldReason.INFECTION, HoldReason.INFECTION.label),
    (HoldReason.AUTHORIZATION, HoldReason.AUTHORIZATION.label),
    (HoldReason.VACCINE, HoldReason.VACCINE.label),
    (HoldReason.PREGNANCY, _("Pregnancy: infusions are on pause")),
    (HoldReason.OTHER, HoldReason.OTHER.label),
]
DATES = ["starts_on", "ends_on", "review_on"]


class HoldDatesForm(CleanForm):
    """From when, until when, and when somebody looks again."""

    starts_on = DayPartsField(
        label=_("First day on hold"),
        subject=_("The first day on hold"),
        help_text=_("It may lie in the past or the future."),
        limit="any",
        error_messages={"required": _("Enter the first day on hold")},
    )
    ends_on = DayPartsField(
        label=_("First day an infusion is allowed again"),
        subject=_("The first day allowed again"),
        help_text=_("Leave it empty while nobody knows."),
        limit="any",
        required=False,
    )
    review_on = DayPartsField(
        label=_("Look at it again on"),
        subject=_("The review date"),
        help_text=_("On that day it comes up under “To check”. The patient sees the date too."),
        limit="any",
        required=False,
    )
    note = OneLineField(
        label=_("Note"),
        help_text=_("The patient does not see it."),
        max_length=500,
        required=False,
        error_messages={"max_length": _("Use %(limit_value)d characters or fewer")},
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        """The end and the review come after the start."""
        answers = self.cleaned_data
        starts_on = answers.get("starts_on")
        self._refuse_before(
            "ends_on",
            starts_on and starts_on + dt.timedelta(days=1),
            gettext("The first day allowed again must be after the first day on hold"),
        )
        self._refuse_before(
            "review_on",
            starts_on,
            gettext("The review date cannot be before the first day on hold"),
        )
        return answers

    def _refuse_before(self, name: str, first: dt.date | None, words: str) -> None:
        day = self.cleaned_data.get(name)
        if day and first and day < first:
            self.add_error(name, words)

    def dates(self) -> dict[str, Any]:
        """The valid answers that a new hold and a changed one share."""
        return {name: self.cleaned_data[name] for name in [*DATES, "note"]}


class HoldForm(HoldDatesForm):
    """A new hold or pause, from today and without an end unless told otherwise."""

    reason = forms.ChoiceField(
        label=_("What do infusions wait for?"),
        choices=REASONS,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what infusions wait for")},
    )
    field_order = ["reason", *DATES, "note"]

    def __init__(self, data: QueryDict | None = None, *, today: dt.date) -> None:
        super().__init__(data, today=today, initial={"starts_on": today})

    def clean(self) -> dict[str, Any]:
        """Another reason needs words."""
        answers = super().clean()
        if answers.get("reason") == HoldReason.OTHER and not answers.get("note"):
            self.add_error("note", gettext("Write the reason as a note"))
        return answers

    def facts(self) -> dict[str, Any]:
        """The valid answers as `actions.start_hold` takes them."""
        ours = {name: self.cleaned_data[name] for name in ("reason", "entry_key")}
        return self.dates() | ours


class ChangeHoldForm(HoldDatesForm):
    """The dates and the note of a hold. `revision` is that of the version on the page."""

    entry_key = None  # type: ignore[assignment]  # the revision tells a second tap
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=10**6)

    def __init__(self, data: QueryDict | None = None, *, hold: Hold, today: dt.date) -> None:
        initial = {name: getattr(hold, name) for name in [*DATES, "note", "revision"]}
        super().__init__(data, today=today, initial=initial)

    def facts(self) -> dict[str, Any]:
        """The valid answers as `actions.change_hold` takes them."""
        return self.dates() | {"revision": self.cleaned_data["revision"]}

    def seen(self, revision: int) -> None:
        """Go on from the version that is shown now, with what was typed kept."""
        self.data = dict(self.data.items(), revision=str(revision))


class ReleaseForm(CleanForm):
    """From when infusions are allowed again."""

    entry_key = None  # type: ignore[assignment]  # a hold is released once

    ends_on = DayPartsField(
        label=_("First day an infusion is allowed again"),
        subject=_("The first day allowed again"),
        limit="any",
        error_messages={"required": _("Enter the first day an infusion is allowed again")},
    )


class MistakeForm(CleanForm):
    """Why a hold should not be there."""

    entry_key = None  # type: ignore[assignment]  # a hold is taken back once

    reason = OneLineField(
        label=_("What was wrong?"),
        help_text=_("It goes on record."),
        max_length=500,
        error_messages={
            "required": _("Write what was wrong"),
            "max_length": _("Use %(limit_value)d characters or fewer"),
        },
        widget=forms.TextInput({"autocomplete": "off"}),
    )
