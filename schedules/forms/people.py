"""A patient's details."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from dateutil.relativedelta import relativedelta
from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import Clinic, every_time_zone
from schedules.engine.policy import ADULT_YEARS
from schedules.models import ClinicRules, Patient

from .base import CleanForm, OneLineField
from .fields import DayPartsField

DETAILS = [
    "given_name",
    "family_name",
    "date_of_birth",
    "record_number",
    "email",
    "wants_reminders",
    "phone",
    "language",
    "time_zone",
]


def _zones() -> list[tuple[str, Any]]:
    """Every zone named after a place; none means the clinic's."""
    aside = ("Etc/", "SystemV/", "US/", "posix/", "right/")
    places = sorted(one for one in every_time_zone() if "/" in one)
    named = [(one, one.replace("_", " ")) for one in places if not one.startswith(aside)]
    return [("", _("Same as the clinic")), *named]


ADDRESS = _("Enter an email address, like name@example.com")


def plain_address(address: str) -> None:
    """Refuse what a copied address may carry unseen, and letters that mail servers differ on.

    Raises:
        ValidationError: a character is not printable ASCII.
    """
    if not (address.isascii() and address.isprintable()):
        raise forms.ValidationError(ADDRESS, "invalid")


class PatientForm(CleanForm):
    """The details of a patient; `facts` are the fields of the model."""

    given_name = OneLineField(label=_("First name"), max_length=80)
    family_name = OneLineField(label=_("Last name"), max_length=80)
    date_of_birth = DayPartsField(
        label=_("Date of birth"),
        subject=_("The date of birth"),
        help_text=_("For example, 3 27 1982"),
        error_messages={"required": _("Enter the date of birth")},
    )
    record_number = OneLineField(label=_("Record number"), max_length=40)
    email = forms.EmailField(
        label=_("Email address"),
        help_text=_("Reminders go to it. Check it letter by letter."),
        max_length=254,
        required=False,
        validators=[plain_address],
        error_messages={"invalid": ADDRESS},
    )
    wants_reminders = forms.BooleanField(
        label=_("Send email reminders"), required=False, initial=True
    )
    phone = OneLineField(label=_("Phone"), max_length=40, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=_zones, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own options
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.CharField) and field.max_length:
                field.error_messages["max_length"] = _("Use %(limit_value)d characters or fewer")

    def clean_date_of_birth(self) -> dt.date:
        """A date of birth of an adult: the doses here are not for people under 18."""
        born: dt.date = self.cleaned_data["date_of_birth"]
        if self.today and relativedelta(self.today, born).years < ADULT_YEARS:
            raise forms.ValidationError(
                gettext("Only adults can be entered: the doses here are not for people under 18")
            )
        return born

    def facts(self) -> dict[str, Any]:
        """The valid details, by the names of the model's fields."""
        return {name: self.cleaned_data[name] for name in DETAILS}

    @classmethod
    def of(
        cls, patient: Patient, data: QueryDict | None = None, *, today: dt.date
    ) -> "PatientForm":
        """The form with the details that `patient` has now."""
        return cls(data, today=today, initial={name: getattr(patient, name) for name in DETAILS})


class NewPatientForm(PatientForm):
    """A patient and the course to start."""

    regimen_code = forms.ChoiceField(label=_("Treatment plan"), widget=forms.RadioSelect)
    ordered_for = DayPartsField(
        label=_("First infusion ordered for"),
        subject=_("The first infusion"),
        help_text=_("Leave it empty if the date is open or the first infusion was given already."),
        limit="future",
        required=False,
    )
    clinic = forms.ChoiceField(label=_("Clinic"), widget=forms.RadioSelect)
    invite = forms.BooleanField(
        label=_("Invite to see dates online"),
        help_text=_("By email. The patient then needs the date of birth to begin."),
        required=False,
    )

    def __init__(
        self, data: QueryDict | None = None, *, today: dt.date, clinics: Sequence[Clinic]
    ) -> None:
        self.clinics = {str(clinic.pk): clinic for clinic in clinics}
        self.regimens = {
            regimen.code: regimen.title
            for clinic in clinics
            for regimen in ClinicRules.of(clinic).in_use
        }
        # The usual plan comes first, and is chosen already where the clinic uses it.
        initial = {
            "clinic": str(clinics[0].pk),
            "regimen_code": next(iter(self.regimens)),
            "invite": True,
        }
        super().__init__(data, today=today, initial=initial)
        self._offer("clinic", {key: clinic.name for key, clinic in self.clinics.items()})
        self._offer("regimen_code", self.regimens)

    def _offer(self, name: str, choices: Mapping[str, str]) -> None:
        """Ask for one of `choices`; a single one is no question."""
        if len(choices) == 1:
            del self.fields[name]
        else:
            field: forms.ChoiceField = self.fields[name]  # type: ignore[assignment]
            field.choices = list(choices.items())

    def clean(self) -> dict[str, Any]:
        """The plan is one that the chosen clinic uses; with several, the page offers all."""
        answers = self.cleaned_data
        if "regimen_code" in self.fields and "regimen_code" not in answers:
            return answers
        clinic = self.chosen_clinic()
        if self.chosen_regimen() not in {one.code for one in ClinicRules.of(clinic).in_use}:
            told = gettext("{clinic} does not use this plan. Choose another one")
            self.add_error("regimen_code", told.format(clinic=clinic.name))
        return answers

    def chosen_clinic(self) -> Clinic:
        """The clinic of the valid answers; the only one where there is no choice."""
        return self.clinics[self.cleaned_data.get("clinic") or next(iter(self.clinics))]

    def chosen_regimen(self) -> str:
        """The code of the plan; the only one where there is no choice."""
        return str(self.cleaned_data.get("regimen_code") or next(iter(self.regimens)))


class SearchForm(forms.Form):
    """Words to look for. Changes nothing, so it has no key."""

    use_required_attribute = False
    q = OneLineField(
        label=_("Name or record number"),
        max_length=100,
        error_messages={"max_length": _("Use %(limit_value)d characters or fewer")},
        widget=forms.TextInput({"type": "search", "autocomplete": "off"}),
    )
