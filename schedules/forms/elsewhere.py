"""What somebody else told of infusions before the patient came here."""

import datetime as dt
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from schedules.actions import Told
from schedules.engine.regimens import Regimen
from schedules.models import Infusion

from .base import CleanForm, OneLineField
from .fields import DayPartsField


class DayOrMonthField(DayPartsField):
    """A date whose day may be missing; returns the date (the month's first) and whether it is."""

    def to_python(self, value: Any) -> Any:  # noqa: ANN401 - Django's own signature
        if isinstance(value, list):
            month, day, year = ((box or "").strip() for box in value)
            if month and year and not day:
                return self.read([month, "1", year], first_box=0), False
        found = super().to_python(value)
        return (found, True) if found else None


class ElsewhereForm(CleanForm):
    """One of four ways in which history is known (R15)."""

    unmarked = frozenset({"first_on"})

    known = forms.ChoiceField(
        label=_("What is known?"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what is known")},
    )
    given_on = DayOrMonthField(
        label=_("Date"),
        subject=_("The date"),
        help_text=_("Of two visits: visit 2. If only the month is known, leave the day empty."),
        error_messages={"required": _("Enter the date, or its month and year")},
    )
    first_on = DayPartsField(
        label=_("Only for two visits: the date of visit 1"),
        subject=_("The date of visit 1"),
        required=False,
    )
    note = OneLineField(
        label=_("Who told us, or what paper says so"), max_length=200, required=False
    )

    def __init__(self, data: QueryDict | None = None, *, today: dt.date, regimen: Regimen) -> None:
        super().__init__(data, today=today)
        self.regimen = regimen
        known: forms.ChoiceField = self.fields["known"]  # type: ignore[assignment]  # declared above
        known.choices = self._choices()
        if not self._splits:
            del self.fields["first_on"]

    @property
    def _splits(self) -> bool:
        """Whether the regimen's first dose is given at two visits."""
        return len(self.regimen.initial) > 1

    def _choices(self) -> list[tuple[str, str]]:
        parts_mg = {one.dose_mg for one in self.regimen.initial}
        choices = [("last", gettext("The last full dose, with its date"))]
        if self._splits:
            choices.append(("both", gettext("Only the two first visits")))
        if self._splits and len(parts_mg) == 1:  # else the amount says which one it was
            words = gettext("One {mg} mg dose, not known which")
            choices.append(("one", words.format(mg=self.regimen.initial[0].dose_mg)))
        return [*choices, ("month", gettext("The last full dose, but only its month"))]

    def clean(self) -> dict[str, Any]:
        """Dates that go with what is known."""
        answers = self.cleaned_data
        known = answers.get("known")
        given_on, day_known = answers.get("given_on") or (None, True)
        if known != "month" and not day_known:
            self.add_error("given_on", gettext("Enter the day too, or choose “only its month”"))
        if known == "both":
            self._clean_both(answers.get("first_on"), given_on)
        elif answers.get("first_on"):
            self.add_error(
                "first_on", gettext("Choose “Only the two first visits”, or empty this date")
            )
        return answers

    def _clean_both(self, first_on: dt.date | None, given_on: dt.date | None) -> None:
        if not first_on:
            if "first_on" not in self.errors:
                self.add_error("first_on", gettext("Enter the date of visit 1"))
        elif given_on and first_on >= given_on:
            self.add_error("first_on", gettext("Visit 1 must be before visit 2"))

    def told(self) -> list[Told]:
        """The valid answers as `actions.record_elsewhere` takes them."""
        answers = self.cleaned_data
        given_on, day_known = answers["given_on"]
        if answers["known"] == "both":
            dates = (answers["first_on"], given_on)
            doses = self.regimen.initial
            return [Told(day, one.dose_mg) for day, one in zip(dates, doses, strict=True)]
        if answers["known"] == "one":
            return [Told(given_on, self.regimen.initial[0].dose_mg, ordinal_known=False)]
        return [Told(given_on, self.regimen.maintenance_mg, day_known=day_known)]


class CompleteForm(CleanForm):
    """What was found out about an infusion that was known by halves."""

    unmarked = frozenset({"first_on"})

    entry_key = None  # type: ignore[assignment]  # what is put right once cannot be put right twice

    given_on = DayPartsField(
        label=_("Date given"),
        subject=_("The date given"),
        error_messages={"required": _("Enter the date given")},
    )
    which = forms.ChoiceField(
        label=_("Which one was it?"),
        choices=[("first", _("Visit 1 of the first dose")), ("second", _("Visit 2"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose which one it was")},
    )
    first_on = DayPartsField(
        label=_("Only if it was visit 2: the date of visit 1"),
        subject=_("The date of visit 1"),
        required=False,
    )

    def __init__(
        self, data: QueryDict | None = None, *, today: dt.date, infusion: Infusion
    ) -> None:
        initial = {"given_on": infusion.given_on} if infusion.day_known else {}
        super().__init__(data, today=today, initial=initial)
        if infusion.ordinal_known:
            del self.fields["which"], self.fields["first_on"]

    def clean(self) -> dict[str, Any]:
        """Visit 2 needs the date of visit 1; nothing else does."""
        answers = self.cleaned_data
        second = answers.get("which") == "second"
        if second and not answers.get("first_on") and "first_on" not in self.errors:
            self.add_error("first_on", gettext("Enter the date of visit 1"))
        if answers.get("which") == "first" and answers.get("first_on"):
            self.add_error("first_on", gettext("Choose “Visit 2”, or empty this date"))
        return answers
