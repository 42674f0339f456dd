"""What staff say about an infusion, and why it is right."""

import datetime as dt
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from schedules.engine import history as engine
from schedules.engine.regimens import Regimen
from schedules.models import Disposition, Outcome

from .base import CleanForm, OneLineField
from .fields import DayChoiceField, DoseChoiceField

# The stored value for "undecided" is empty, which a form could not tell from no answer.
UNDECIDED = "undecided"
DECISIONS = [
    (Disposition.COUNT_AS_GIVEN, Disposition.COUNT_AS_GIVEN.label),
    (Disposition.REPEAT, Disposition.REPEAT.label),
]


class RecordForm(CleanForm):
    """One infusion, all defaults chosen: a routine one needs the tick and the button."""

    given_on = DayChoiceField(
        label=_("Date given"),
        subject=_("The date given"),
        error_messages={"required": _("Choose the date given")},
    )
    dose_mg = DoseChoiceField(label=_("Dose"), offered_mg=())
    outcome = forms.ChoiceField(
        label=_("How it went"), choices=Outcome.choices[:2], widget=forms.RadioSelect
    )
    disposition = forms.ChoiceField(
        label=_("Only if stopped early: what counts next?"),
        choices=[*DECISIONS, (UNDECIDED, Disposition.UNDECIDED.label)],
        widget=forms.RadioSelect,
        required=False,
    )
    lot = OneLineField(label=_("Lot"), max_length=40, required=False)
    note = forms.CharField(
        label=_("Note"), max_length=500, required=False, widget=forms.Textarea({"rows": 3})
    )
    checked = forms.BooleanField(
        label=_("I checked name and date of birth, and these details are right"),
        error_messages={"required": _("Tick to show you checked name and date of birth")},
    )
    # "Today" means the day on which the page was opened; a page left open over night must not
    # turn it into another one.
    opened_on = forms.CharField(widget=forms.HiddenInput, required=False, max_length=10)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        today: dt.date,
        regimen: Regimen,
        planned_mg: int,
        lot: str = "",
    ) -> None:
        initial = {"given_on": today, "dose_mg": planned_mg, "outcome": Outcome.COMPLETED}
        initial |= {"lot": lot, "opened_on": today.isoformat()}
        self.opened_before: str = ""
        super().__init__(self._from_today(data, today), today=today, initial=initial)
        dose: DoseChoiceField = self.fields["dose_mg"]  # type: ignore[assignment]  # declared above
        doses = {one.dose_mg for one in regimen.initial} | {regimen.maintenance_mg}
        dose.offered_mg = tuple(sorted(doses, reverse=True))
        dose.expect(planned_mg)

    def _from_today(self, data: QueryDict | None, today: dt.date) -> QueryDict | None:
        """The answers, with the opening day moved on so that they can be sent once more."""
        opened_on = data.get("opened_on") if data else None
        if data is None or not opened_on or opened_on == today.isoformat():
            return data
        self.opened_before = str(opened_on)
        data = data.copy()
        data["opened_on"] = today.isoformat()
        return data

    def clean_given_on(self) -> dt.date:
        """The date given; not "today" as meant on another day."""
        day: dt.date = self.cleaned_data["given_on"]
        if self.opened_before and self.data.get("given_on_choice") != "other":
            raise forms.ValidationError(
                gettext("This page was opened on another day. Is %(date)s right? Then save again.")
                % {"date": date_format(day, "F j, Y")}
            )
        return day

    def clean(self) -> dict[str, Any]:
        """What a stopped infusion counts as; a full one counts as what it is."""
        answers = self.cleaned_data
        partial = answers.get("outcome") == Outcome.PARTIAL
        if partial and not answers.get("disposition"):
            self.add_error("disposition", gettext("Choose what counts next"))
        if not partial or answers.get("disposition") == UNDECIDED:
            answers["disposition"] = Disposition.UNDECIDED
        return answers

    def as_given(self) -> engine.Infusion:
        """The valid answers in the engine's terms."""
        answers = self.cleaned_data
        return engine.Infusion(
            given_on=answers["given_on"],
            dose_mg=answers["dose_mg"],
            outcome=answers["outcome"],
            disposition=answers["disposition"] or None,
        )

    def facts(self) -> dict[str, Any]:
        """The valid answers as `actions.record_infusion` takes them."""
        names = ["given_on", "dose_mg", "outcome", "disposition", "lot", "note", "entry_key"]
        return {name: self.cleaned_data[name] for name in names}


class ReasonForm(CleanForm):
    """Why unusual answers are right: one of four, and more words where they help."""

    entry_key = None  # type: ignore[assignment]  # the answers it is about carry theirs

    why = forms.ChoiceField(
        label=_("It is right, because…"),
        choices=[
            ("prescriber", _("The prescriber agreed to it")),
            ("chart", _("I checked the chart: this is what was given")),
            ("elsewhere", _("An infusion given elsewhere is missing here")),
            ("other", _("Another reason")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose why it is right, or fix the answers")},
    )
    words = OneLineField(label=_("In your words"), max_length=200, required=False)

    def clean(self) -> dict[str, Any]:
        """Another reason needs words."""
        if self.cleaned_data.get("why") == "other" and not self.cleaned_data.get("words"):
            self.add_error("words", gettext("Write the reason"))
        return self.cleaned_data

    def reason(self, codes: list[str]) -> str:
        """For the audit trail: what was asked and what was answered."""
        answer = f"{', '.join(codes)}: {self.cleaned_data['why']}"
        words = self.cleaned_data["words"]
        return f"{answer}. {words}" if words else answer


class DecisionForm(CleanForm):
    """What an infusion that was stopped early counts as."""

    disposition = forms.ChoiceField(
        label=_("What did the prescriber decide?"),
        choices=DECISIONS,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what counts next")},
    )
