"""What a clinic decides for itself."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.dates import WEEKDAYS
from django.utils.html import format_html
from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from schedules.engine.regimens import REGIMENS, current_regimen
from schedules.engine.screening import CHECKS, Check
from schedules.models import CheckInterval, ClinicRules, Region
from schedules.public_holidays import countries, subdivisions

from .base import CleanForm, OneLineField
from .fields import DayPartsField

SHORTEST_GAP, LONGEST_GAP = 6, 36  # months; below the interval everybody would be asked about
LONGEST_INTERVAL = 60  # months between two checks
ANSWER = _("Choose one of the answers")
LONGEST_KEEPING = 60  # years
YEARS_WRONG = _("Enter a whole number of years, from 1 to {last}")
MONTHS_WRONG = _("Enter a whole number of months, from {first} to {last}")


def months_field(*, first: int, last: int, **kwargs: Any) -> forms.IntegerField:  # noqa: ANN401 - Django's own options
    """A number of months in a small box, with one sentence for all that can be wrong."""
    wrong = format_lazy(MONTHS_WRONG, first=first, last=last)
    messages = dict.fromkeys(("invalid", "min_value", "max_value", "required"), wrong)
    widget = forms.TextInput({"inputmode": "numeric", "size": 4})
    return forms.IntegerField(
        min_value=first, max_value=last, error_messages=messages, widget=widget, **kwargs
    )


def _treatments() -> Iterator[tuple[str, Any]]:
    for code in dict.fromkeys(code for code, _version in REGIMENS):
        regimen = current_regimen(code)
        words = '{}<br><span class="small muted">{}</span>'
        yield code, format_html(words, regimen.title, regimen.grounds)


def _countries() -> list[tuple[str, Any]]:
    return [("", _("No public holidays")), *countries().items()]


class KeepingForm(CleanForm):
    """How long records are kept; `facts` are the fields of the model."""

    keep_years = forms.IntegerField(
        label=_("Years to keep a record after the last infusion"),
        min_value=1,
        max_value=LONGEST_KEEPING,
        widget=forms.TextInput({"inputmode": "numeric", "size": 4}),
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value", "required"),
            format_lazy(YEARS_WRONG, last=LONGEST_KEEPING),
        ),
    )
    keep_because = OneLineField(
        label=_("Why"),
        help_text=_("The law or rule, by its name. Patients read this when they ask for deletion."),
        required=False,
        error_messages={"max_length": _("Use %(limit_value)d characters or fewer")},
    )

    @classmethod
    def of(
        cls, rules: ClinicRules, data: QueryDict | None = None, *, today: dt.date
    ) -> "KeepingForm":
        """The form with what the clinic has decided."""
        initial = {"keep_years": rules.keep_years, "keep_because": rules.keep_because}
        return cls(data, today=today, initial=initial)

    def facts(self) -> dict[str, Any]:
        """What `change_rules` takes."""
        return {name: self.cleaned_data[name] for name in ("keep_years", "keep_because")}


class RulesForm(CleanForm):
    """The clinic's rules; `facts` are the fields of the model."""

    regimens = forms.MultipleChoiceField(
        label=_("Treatments in use"),
        help_text=_("New courses can be on one of these. Those that run go on as they are."),
        choices=_treatments,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Tick at least one treatment")},
    )
    region = forms.ChoiceField(
        label=_("Label"),
        help_text=_("Whose label counts where the labels differ."),
        choices=Region.choices,
        widget=forms.RadioSelect,
    )
    long_gap_months = months_field(
        label=_("Long gap, in months"),
        help_text=_(
            "From this gap after an infusion on, the prescriber's word is asked for. No label "
            "names one."
        ),
        first=SHORTEST_GAP,
        last=LONGEST_GAP,
    )
    open_weekdays = forms.MultipleChoiceField(
        label=_("Days with visits"),
        choices=[(str(number + 1), name) for number, name in WEEKDAYS.items()],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Tick at least one day")},
    )
    holiday_country = forms.ChoiceField(
        label=_("Public holidays of"), choices=_countries, required=False
    )
    holiday_subdivision = OneLineField(
        label=_("State or region"),
        help_text=_("A code or a name, like NY or New York. Empty: holidays of the whole country."),
        max_length=40,
        required=False,
        error_messages={"max_length": _("Use %(limit_value)d characters or fewer")},
    )

    @classmethod
    def of(
        cls, rules: ClinicRules, data: QueryDict | None = None, *, today: dt.date
    ) -> "RulesForm":
        """The form with the choices that the clinic has made."""
        initial = {name: getattr(rules, name) for name in cls.base_fields if name != "entry_key"}
        initial["open_weekdays"] = list(rules.open_weekdays)
        return cls(data, today=today, initial=initial)

    def clean_regimens(self) -> list[str]:
        """In one order, however they were ticked."""
        return sorted(self.cleaned_data["regimens"])

    def clean_open_weekdays(self) -> str:
        """As the model has them: "12345"."""
        return "".join(sorted(self.cleaned_data["open_weekdays"]))

    def clean(self) -> dict[str, Any]:
        """A state or region is one of the country's, by code or by name; the code is kept."""
        answers = self.cleaned_data
        country, typed = answers.get("holiday_country"), answers.get("holiday_subdivision")
        if country is None or not typed:
            return answers
        known = subdivisions(country)
        if code := known.get(typed.casefold()):
            answers["holiday_subdivision"] = code
        else:
            self.add_error("holiday_subdivision", _unknown(country, list(known.values())))
        return answers

    def facts(self) -> dict[str, Any]:
        """The valid choices, by the names of the model's fields."""
        return {name: self.cleaned_data[name] for name in self.fields if name != "entry_key"}


def _unknown(country: str, codes: list[str]) -> str:
    """Why a state or region is refused, with some that are not."""
    if not country:
        return gettext("Choose a country, or leave the state or region empty")
    name = countries()[country]
    if not codes:
        told = gettext("{country} has the same holidays everywhere: leave this empty")
        return told.format(country=name)
    some = ", ".join(sorted(set(codes))[:5])
    told = gettext(
        "No such state or region in {country}. Enter one like {codes}, or leave it empty"
    )
    return told.format(country=name, codes=some)


class ClosureForm(CleanForm):
    """Days on which the clinic is closed."""

    first_day = DayPartsField(
        label=_("First day closed"),
        subject=_("The first day"),
        limit="any",
        error_messages={"required": _("Enter the first day closed")},
    )
    last_day = DayPartsField(
        label=_("Last day closed"),
        subject=_("The last day"),
        help_text=_("Leave it empty if it is one day only."),
        limit="future",
        required=False,
    )
    title = OneLineField(
        label=_("Why"),
        help_text=_("Staff see it when they book. For example, Staff training."),
        max_length=80,
        error_messages={
            "required": _("Say why, like Staff training"),
            "max_length": _("Use %(limit_value)d characters or fewer"),
        },
    )

    def clean(self) -> dict[str, Any]:
        """Without a last day it is the first."""
        answers = self.cleaned_data
        if "last_day" in answers and not answers["last_day"]:
            answers["last_day"] = answers.get("first_day")
        return answers


USUAL, EVERY_DOSE, NEVER = "usual", "every-dose", "never"


class ChecksForm(CleanForm):
    """For each check that a clinic may decide about: in use, and every how many months."""

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        today: dt.date,
        settings: dict[str, CheckInterval],
    ) -> None:
        super().__init__(data, today=today)
        self.checks = [check for check in CHECKS if may_decide(check)]
        for check in self.checks:
            setting = settings.get(check.code)
            self._ask_use(check, setting)
            if comes_back(check):
                self._ask_months(check, setting)

    def _ask_use(self, check: Check, setting: CheckInterval | None) -> None:
        name = f"{check.code}-use"
        if check.by_choice:
            used = {None: USUAL, True: EVERY_DOSE, False: NEVER}
            self.fields[name] = forms.ChoiceField(
                label=check.title,
                choices=[
                    (USUAL, _("Before the first dose")),
                    (EVERY_DOSE, _("Before every dose")),
                    (NEVER, _("Not at this clinic")),
                ],
                widget=forms.RadioSelect,
                initial=used[setting.in_use if setting else None],
                error_messages=dict.fromkeys(("invalid_choice", "required"), ANSWER),
            )
        else:
            # What the label asks for before a first dose stays, whatever the clinic decides.
            label = _("{check}: in use") if check.per_site else _("{check}: during treatment too")
            self.fields[name] = forms.BooleanField(
                label=label.format(check=check.title),
                required=False,
                initial=setting.in_use if setting else True,
            )

    def _ask_months(self, check: Check, setting: CheckInterval | None) -> None:
        usual = check.monitoring.months if check.monitoring else 0
        hint = ngettext("Usual: every {n} month.", "Usual: every {n} months.", usual)
        self.fields[f"{check.code}-months"] = months_field(
            label=_("{check}: every so many months").format(check=check.title),
            help_text=hint.format(n=usual) if usual else _("As the guideline says, if empty."),
            first=1,
            last=LONGEST_INTERVAL,
            required=False,
            initial=setting.every_months if setting else None,
        )

    def decisions(self) -> Iterator[tuple[str, bool | None, int | None]]:
        """For each check its code, whether it is in use (None: as usual) and its months."""
        uses = {USUAL: None, EVERY_DOSE: True, NEVER: False, True: True, False: False}
        for check in self.checks:
            used = uses[self.cleaned_data[f"{check.code}-use"]]
            months = self.cleaned_data.get(f"{check.code}-months")
            usual = used and not months and not check.by_choice
            yield check.code, None if usual else used, months


def may_decide(check: Check) -> bool:
    """Whether a clinic has a say in `check`: to leave it out, or how often it comes back."""
    return check.per_site or comes_back(check)


def comes_back(check: Check) -> bool:
    """Whether `check` is looked at again and again during treatment."""
    return bool(check.monitoring) or check.before is None
