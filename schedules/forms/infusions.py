"""What staff say about an infusion, and why it is right."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from schedules.engine import history as engine
from schedules.engine.regimens import Regimen
from schedules.models import Disposition, Infusion, Outcome, Rate, Reaction

from .base import CleanForm, OneLineField
from .fields import DayChoiceField, DoseChoiceField
from .visits import TimeField

# The stored value for "undecided" is empty, which a form could not tell from no answer.
UNDECIDED = "undecided"
DECISIONS = [
    (one, one.label)
    for one in (Disposition.COUNT_AS_GIVEN, Disposition.COMPLETE_REMAINDER, Disposition.REPEAT)
]
LONGEST_NOTE = 500  # characters, the reason for "not given" included


def _clock_field(label: Any) -> TimeField:  # noqa: ANN401 - a str or a lazy one
    return TimeField(
        label=label,
        required=False,
        max_length=20,
        error_messages={"max_length": _("Enter a time, like 9:00 a.m. or 1:30 p.m.")},
        widget=forms.TextInput({"size": 12}),
    )


class InfusionForm(CleanForm):
    """The facts of one infusion. None but the first three is required."""

    unmarked = frozenset({"disposition", "why_not", "reaction", "reaction_response", "rate"})

    given_on = DayChoiceField(
        label=_("Date given"),
        subject=_("The date given"),
        error_messages={"required": _("Choose the date given")},
    )
    dose_mg = DoseChoiceField(label=_("Dose"), offered_mg=())
    outcome = forms.ChoiceField(
        label=_("How it went"),
        help_text=_("Interrupted, but finished on the same day? Then it is the full dose."),
        choices=Outcome.choices,
        widget=forms.RadioSelect,
    )
    disposition = forms.ChoiceField(
        label=_("Only if stopped early: what counts next?"),
        choices=[*DECISIONS, (UNDECIDED, Disposition.UNDECIDED.label)],
        widget=forms.RadioSelect,
        required=False,
    )
    lot = OneLineField(label=_("Lot"), max_length=40, required=False)
    reaction = forms.ChoiceField(
        label=_("Reaction"),
        choices=[
            (Reaction.NONE, Reaction.NONE.label),
            (Reaction.MILD, Reaction.MILD.label),
            (Reaction.MODERATE, _("Needed treatment (moderate)")),
            (Reaction.SEVERE, Reaction.SEVERE.label),
            (Reaction.LIFE_THREATENING, Reaction.LIFE_THREATENING.label),
        ],
        widget=forms.RadioSelect,
        required=False,
    )
    reaction_response = OneLineField(
        label=_("Only if there was a reaction: what was done?"), max_length=500, required=False
    )
    note = forms.CharField(
        label=_("Note"),
        max_length=LONGEST_NOTE,
        required=False,
        widget=forms.Textarea({"rows": 3}),
    )
    premedication = OneLineField(label=_("Medicines given before"), max_length=200, required=False)
    started_at = _clock_field(_("Started at"))
    ended_at = _clock_field(_("Ended at"))
    observed_until = _clock_field(_("Watched until"))
    rate = forms.ChoiceField(
        label=_("Rate"),
        choices=[("", _("Not noted")), *Rate.choices],
        widget=forms.RadioSelect,
        required=False,
    )

    # What a page may leave folded.
    DETAILS = ("premedication", "started_at", "ended_at", "observed_until", "rate")

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        today: dt.date,
        regimen: Regimen,
        planned_mg: int,
        rates: Iterable[str] = Rate.values,
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, today=today, initial=initial)
        self.planned_mg = planned_mg
        dose: DoseChoiceField = self.fields["dose_mg"]  # type: ignore[assignment]  # declared above
        doses = {one.dose_mg for one in regimen.initial} | {regimen.maintenance_mg}
        dose.offered_mg = tuple(sorted(doses, reverse=True))
        dose.expect(planned_mg)
        if Rate.OPTION_2 not in rates:  # nothing to choose between
            del self.fields["rate"]

    @property
    def details_open(self) -> bool:
        """Whether there is something to see among the details: an answer, or an error."""
        shown = [self[name] for name in self.DETAILS if name in self.fields]
        return any(one.errors or one.value() for one in shown)

    @property
    def not_given(self) -> bool:
        """Whether the valid answers say that nothing was given."""
        return self.cleaned_data.get("outcome") == Outcome.NOT_DONE

    def clean(self) -> dict[str, Any]:
        """Answers that fit each other; what only some infusions are asked is left out of others."""
        answers = self.cleaned_data
        for name in ("started_at", "ended_at", "observed_until"):
            answers[name] = answers.get(name) or None
        self._clean_disposition(answers)
        self._clean_reaction(answers)
        self._clean_times(answers)
        if answers.get("outcome") == Outcome.NOT_DONE:
            self._clean_not_given(answers)
        return answers

    def _clean_disposition(self, answers: dict[str, Any]) -> None:
        partial = answers.get("outcome") == Outcome.PARTIAL
        if partial and not answers.get("disposition"):
            self.add_error("disposition", gettext("Choose what counts next"))
        if not partial or answers.get("disposition") == UNDECIDED:
            answers["disposition"] = Disposition.UNDECIDED

    def _clean_reaction(self, answers: dict[str, Any]) -> None:
        if answers.get("reaction_response") and answers.get("reaction") == Reaction.NONE:
            self.add_error("reaction", gettext("Choose the reaction, or empty what was done"))

    def _clean_times(self, answers: dict[str, Any]) -> None:
        start, end, watched = (
            answers[name] for name in ("started_at", "ended_at", "observed_until")
        )
        if start and end and end <= start:
            self.add_error("ended_at", gettext("The end must be after the start"))
        if watched and (begun := end or start) and watched < begun:
            self.add_error("observed_until", gettext("This must be after the end"))

    def _clean_not_given(self, answers: dict[str, Any]) -> None:
        """Nothing given is no dose at all; an amount or a reaction beside it is a slip."""
        if answers.get("dose_mg") not in {None, self.planned_mg}:
            self.add_error(
                "outcome",
                gettext(
                    "Choose “Stopped early” if some of it was given, or leave the dose as it was"
                ),
            )
        if answers.get("reaction"):
            self.add_error("reaction", gettext("Choose “None”: nothing was given"))
        answers["dose_mg"] = 0
        answers["lot"] = ""

    def as_given(self) -> engine.Infusion:
        """The valid answers in the engine's terms."""
        answers = self.cleaned_data
        return engine.Infusion(
            given_on=answers["given_on"],
            dose_mg=answers["dose_mg"],
            outcome=answers["outcome"],
            disposition=answers["disposition"] or None,
            remainder=answers.get("remainder", False),
            reaction=answers["reaction"] or None,
        )

    def facts(self) -> dict[str, Any]:
        """The valid answers by the names that `actions.record_infusion` has for them."""
        asked_for_the_page = {"checked", "opened_on", "why_not"}
        return {
            name: self.cleaned_data[name] for name in self.fields if name not in asked_for_the_page
        }


class RecordForm(InfusionForm):
    """One infusion, all defaults chosen: a routine one needs the tick and the button.

    `part` is the infusion whose rest may be given now; the dose expected is then what is left.
    """

    field_order = (
        *("remainder", "given_on", "dose_mg", "outcome", "disposition", "why_not"),
        *("lot", "reaction", "reaction_response", "note", *InfusionForm.DETAILS, "checked"),
    )

    remainder = forms.BooleanField(required=False)
    why_not = forms.ChoiceField(
        label=_("Only if not given: why?"),
        choices=[
            ("infection", _("Infection")),
            ("results", _("Blood results")),
            ("absent", _("Did not come")),
            ("approval", _("No approval")),
            ("other", _("Another reason (write it in the note)")),
        ],
        widget=forms.RadioSelect,
        required=False,
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
        rates: Iterable[str] = Rate.values,
        part: Infusion | None = None,
    ) -> None:
        initial = {"given_on": today, "dose_mg": planned_mg, "outcome": Outcome.COMPLETED}
        initial |= {"lot": lot, "opened_on": today.isoformat(), "remainder": bool(part)}
        initial |= {"reaction": Reaction.NONE, "rate": ""}
        self.opened_before: str = ""
        super().__init__(
            self._from_today(data, today),
            today=today,
            regimen=regimen,
            planned_mg=planned_mg,
            rates=rates,
            initial=initial,
        )
        if part is None:
            del self.fields["remainder"]
        else:
            words = gettext("This is the rest of the infusion of {date}")
            self.fields["remainder"].label = words.format(date=_long(part.given_on))

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
                % {"date": _long(day)}
            )
        return day

    def _clean_not_given(self, answers: dict[str, Any]) -> None:
        """The reason is kept in front of the note."""
        super()._clean_not_given(answers)
        answers["remainder"] = False
        why, note = answers.get("why_not"), answers.get("note", "")
        if not why:
            self.add_error("why_not", gettext("Choose why it was not given"))
        elif why == "other" and not note:
            self.add_error("note", gettext("Write the reason"))
        elif why != "other":
            word = dict(self.fields["why_not"].choices)[why]  # type: ignore[attr-defined]  # a ChoiceField
            answers["note"] = f"{word}. {note}".strip()
        if len(answers.get("note", "")) > LONGEST_NOTE:
            self.add_error("note", gettext("Write a shorter note"))


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


class AllowShortForm(CleanForm):
    """Why a prescriber allows the short infusion again."""

    reason = OneLineField(
        label=_("Why is the short infusion safe again?"),
        max_length=200,
        error_messages={"required": _("Write the reason")},
    )


def _long(day: dt.date) -> str:
    return date_format(day, "F j, Y")
