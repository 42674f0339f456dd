"""The turns of a course: a stop, a new start, a restart, another plan, what was taken before."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from schedules.actions.courses import OTHER_DRUG
from schedules.engine.regimens import Regimen
from schedules.engine.washout import RULES
from schedules.models import Course, RestartChoice, StopReason

from .base import CleanForm, OneLineField
from .fields import DayChoiceField, DayPartsField

# A choice of no answer could not be told from no choice.
NO_DRUG = "none"


class StopForm(CleanForm):
    """When infusions stopped, and why."""

    reason = forms.ChoiceField(
        label=_("Why do infusions stop?"),
        choices=StopReason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose why infusions stop")},
    )
    stopped_on = DayChoiceField(
        label=_("Stopped on"),
        subject=_("The date"),
        error_messages={"required": _("Choose the date")},
    )
    note = forms.CharField(
        label=_("Note"), max_length=500, required=False, widget=forms.Textarea({"rows": 3})
    )

    def __init__(self, data: QueryDict | None = None, *, today: dt.date) -> None:
        super().__init__(data, today=today, initial={"stopped_on": today})

    def kept(self) -> list[tuple[str, str]]:
        """The valid answers as hidden fields, the day as its date: it may be sent tomorrow."""
        answers = self.cleaned_data
        day: dt.date = answers["stopped_on"]
        return [
            ("stopped_on_choice", "other"),
            *((f"stopped_on_{part}", str(getattr(day, part))) for part in ("month", "day", "year")),
            *((name, str(answers[name])) for name in ("reason", "note", "entry_key")),
        ]


class ReopenForm(CleanForm):
    """Why infusions go on after all."""

    reason = OneLineField(
        label=_("Why do infusions go on?"),
        max_length=200,
        error_messages={"required": _("Write why infusions go on")},
    )


class RestartForm(CleanForm):
    """How to go on after a lapse."""

    choice = forms.ChoiceField(
        label=_("How does treatment go on?"),
        choices=RestartChoice.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose how treatment goes on")},
    )
    reason = OneLineField(
        label=_("Reason"), max_length=200, error_messages={"required": _("Write the reason")}
    )

    def __init__(self, data: QueryDict | None = None, *, offered: Iterable[str]) -> None:
        super().__init__(data)
        choice: forms.ChoiceField = self.fields["choice"]  # type: ignore[assignment]  # as declared
        choice.choices = [(key, label) for key, label in RestartChoice.choices if key in offered]


class SwitchForm(CleanForm):
    """Another plan with the same medicine."""

    code = forms.ChoiceField(
        label=_("Go on with"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose the new plan")},
    )
    switched_on = DayChoiceField(
        label=_("Changed on"),
        subject=_("The date"),
        error_messages={"required": _("Choose the date")},
    )
    reason = OneLineField(
        label=_("Reason"), max_length=200, error_messages={"required": _("Write the reason")}
    )

    def __init__(
        self, data: QueryDict | None = None, *, today: dt.date, offered: Sequence[Regimen]
    ) -> None:
        only = offered[0].code if len(offered) == 1 else None
        super().__init__(data, today=today, initial={"switched_on": today, "code": only})
        code: forms.ChoiceField = self.fields["code"]  # type: ignore[assignment]  # as declared
        code.choices = [(regimen.code, regimen.title) for regimen in offered]


class PreviousForm(CleanForm):
    """What was taken before this treatment, and when last."""

    drug = forms.ChoiceField(
        label=_("Treatment before this one"),
        choices=[
            (NO_DRUG, _("None")),
            *((drug, drug.capitalize()) for drug in RULES),
            (OTHER_DRUG, _("Another treatment")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose the treatment, or “None”")},
    )
    last_on = DayPartsField(
        label=_("Its last dose"),
        subject=_("The date of the last dose"),
        help_text=_("For example, 3 27 2026"),
        required=False,
    )

    @classmethod
    def of(cls, course: Course, data: QueryDict | None = None, *, today: dt.date) -> "PreviousForm":
        """The form with what is known now."""
        known = {"drug": course.previous_drug or None, "last_on": course.previous_last_on}
        return cls(data, today=today, initial=known)

    def clean(self) -> dict[str, Any]:
        """A treatment has a last dose; none has none."""
        answers = self.cleaned_data
        drug = answers.get("drug")
        if drug == NO_DRUG:
            answers |= {"drug": "", "last_on": None}
        elif drug and "last_on" in answers and answers["last_on"] is None:
            self.add_error("last_on", gettext("Enter the date of its last dose"))
        return answers
