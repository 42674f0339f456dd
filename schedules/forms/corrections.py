"""Putting a record right, or marking it as a mistake: what was wrong, and why."""

import datetime as dt
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from schedules.actions import CORRECTABLE
from schedules.models import Infusion, Outcome

from .base import CleanForm, OneLineField
from .infusions import UNDECIDED, InfusionForm

WRONG_PATIENT = "patient"
REASONS = {
    "typing": _("Typing mistake"),
    WRONG_PATIENT: _("Wrong patient"),
    "date": _("Wrong date"),
    "other": _("Another reason"),
}


class WhyForm(CleanForm):
    """Why a record changes, and which version of it was looked at."""

    why = forms.ChoiceField(
        label=_("Why does the record change?"),
        choices=list(REASONS.items()),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose why the record changes")},
    )
    words = OneLineField(label=_("In your words"), max_length=200, required=False)
    revision = forms.IntegerField(
        widget=forms.HiddenInput,
        min_value=0,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value"),
            _("This page was open for a long time. Open the record again."),
        ),
    )

    def clean(self) -> dict[str, Any]:
        """Another reason needs words."""
        answers = super().clean() or self.cleaned_data
        if answers.get("why") == "other" and not answers.get("words"):
            self.add_error("words", gettext("Write the reason"))
        return answers

    def reason(self) -> str:
        """The valid answer as a sentence, for the record and the audit trail."""
        words = self.cleaned_data["words"]
        if self.cleaned_data["why"] == "other":
            return str(words)
        reason = str(REASONS[self.cleaned_data["why"]])
        return f"{reason}. {words}" if words else reason


class CorrectForm(WhyForm, InfusionForm):
    """The record as it is, to be changed.

    `planned_mg` is what the plan had for its day; `may_be_rest` says whether an infusion before
    it waited for its rest.
    """

    field_order = (
        *("given_on", "dose_mg", "outcome", "disposition", "remainder"),
        *("lot", "reaction", "reaction_response", "note", *InfusionForm.DETAILS),
        *("why", "words", "revision"),
    )

    remainder = forms.BooleanField(
        label=_("This is the rest of an infusion begun before"), required=False
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        today: dt.date,
        infusion: Infusion,
        planned_mg: int,
        may_be_rest: bool,
    ) -> None:
        self.infusion = infusion
        initial = {name: getattr(infusion, name) for name in CORRECTABLE}
        # Nothing given has no dose; whoever says that it was given will say how much.
        initial["dose_mg"] = infusion.dose_mg or planned_mg
        if infusion.outcome == Outcome.PARTIAL:
            initial["disposition"] = infusion.disposition or UNDECIDED
        super().__init__(
            data,
            today=today,
            regimen=infusion.course.regimen,
            planned_mg=planned_mg,
            initial=initial | {"revision": infusion.revision},
        )
        if not may_be_rest:
            del self.fields["remainder"]

    def clean_why(self) -> str:
        """A record of somebody else's infusion is not put right but marked as a mistake."""
        why: str = self.cleaned_data["why"]
        if why == WRONG_PATIENT:
            raise forms.ValidationError(
                gettext(
                    "Recorded for the wrong patient? Mark this record as a mistake, then record "
                    "the infusion for the right patient"
                )
            )
        return why

    def _clean_not_given(self, answers: dict[str, Any]) -> None:
        """The dose that was on record is no new answer beside "not given"."""
        if answers.get("dose_mg") == self.infusion.dose_mg:
            answers["dose_mg"] = self.planned_mg
        super()._clean_not_given(answers)

    def changes(self) -> dict[str, Any]:
        """The valid answers by the names of the record's fields."""
        answers = self.cleaned_data
        found = {name: answers[name] for name in CORRECTABLE if name in answers}
        if found["given_on"] != self.infusion.given_on:
            found["day_known"] = True  # whoever corrects the month's first day knows better (R15)
        return found


class VoidForm(WhyForm):
    """Why a record is a mistake."""
