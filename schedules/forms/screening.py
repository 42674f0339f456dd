"""What came of a check, and why a visit is booked without one."""

import datetime as dt
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from schedules.engine.screening import Check
from schedules.models import Finding, ScreeningStatus

from .base import CleanForm, OneLineField
from .fields import DayChoiceField, DayPartsField


class ScreeningForm(CleanForm):
    """One answer to one check; a routine one needs the button alone."""

    status = forms.ChoiceField(
        label=_("Is it done?"), choices=ScreeningStatus.choices, widget=forms.RadioSelect
    )
    done_on = DayChoiceField(
        label=_("Date"),
        subject=_("The date"),
        help_text=_("Of the sample, the scan, the approval or the decision."),
        error_messages={"required": _("Choose the date")},
    )
    finding = forms.ChoiceField(
        label=_("What did it find?"), choices=Finding.choices, widget=forms.RadioSelect
    )
    expires_on = DayPartsField(
        label=_("Valid until"),
        subject=_("The last day"),
        limit="any",
        help_text=_("The last day it holds, if it has one."),
        required=False,
    )
    note = OneLineField(
        label=_("Note"),
        help_text=_("If it is not needed, say why."),
        max_length=500,
        required=False,
    )

    def __init__(self, data: QueryDict | None = None, *, today: dt.date, check: Check) -> None:
        initial = {"status": ScreeningStatus.DONE, "finding": Finding.CLEAR, "done_on": today}
        super().__init__(data, today=today, initial=initial)
        if not check.overridable:
            # Everybody needs it, so there is nothing to choose.
            del self.fields["status"]
            self.fields["note"].help_text = ""

    def clean(self) -> dict[str, Any]:
        """Not needed has a reason; an answer does not end before it begins."""
        answers = self.cleaned_data
        answers.setdefault("status", ScreeningStatus.DONE)
        not_needed = answers["status"] == ScreeningStatus.NOT_NEEDED
        if not_needed and not answers.get("note", "refused"):
            self.add_error("note", gettext("Write why it is not needed"))
        done_on, expires_on = answers.get("done_on"), answers.get("expires_on")
        if done_on and expires_on and expires_on < done_on:
            self.add_error(
                "expires_on", gettext("“Valid until” must not be before the date of the check")
            )
        return answers

    def facts(self) -> dict[str, Any]:
        """The valid answers as `actions.record_screening` takes them."""
        names = ["status", "done_on", "finding", "expires_on", "note", "entry_key"]
        return {name: self.cleaned_data[name] for name in names}


class DespiteForm(CleanForm):
    """Why a visit is booked although a check is missing."""

    entry_key = None  # type: ignore[assignment]  # the answers it is about carry theirs

    despite = OneLineField(
        label=_("Book anyway, because…"),
        help_text=_("The reason goes on record."),
        max_length=200,
        error_messages={"required": _("Write why the visit can be booked now")},
    )
