"""What to look for on the audit trail."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import Clinic, User
from ocrevus_tracker.audit import trail
from schedules.models import Patient
from schedules.presenting.trail import ACTS, DOOR
from schedules.trails import READING, Wanted

from .base import CleanForm, OneLineField
from .fields import DayPartsField

GROUPS = [
    ("", _("Everything")),
    ("changes", _("Changes")),
    ("reading", _("What was looked at")),
    ("exports", _("Exports")),
    ("door", _("Sign-ins")),
]
ACTS_OF = {"reading": READING, "exports": (trail.EXPORT,), "door": tuple(DOOR)}


class TrailForm(CleanForm):
    """Who, about whom, what, and from when to when; nothing has to be filled in."""

    unmarked = frozenset({"person", "act", "record_number", "first", "last"})

    person = forms.ChoiceField(label=_("Who"), required=False)
    record_number = OneLineField(label=_("Patient's record number"), max_length=40, required=False)
    act = forms.ChoiceField(label=_("What"), required=False)
    first = DayPartsField(label=_("From"), subject=_("The first day"), limit="any", required=False)
    last = DayPartsField(label=_("To"), subject=_("The last day"), limit="any", required=False)

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own options
        super().__init__(*args, **kwargs)
        del self.fields["entry_key"]  # asking changes nothing, so nothing is to be done once
        self.clinic = clinic
        people = User.objects.filter(memberships__clinic=clinic).order_by("name", "email")
        named = [(str(one.pk), one.get_short_name()) for one in people]
        self.fields["person"].choices = [("", gettext("Everybody")), *named]  # type: ignore[attr-defined]
        single = sorted(((act, str(words)) for act, words in ACTS.items()), key=lambda one: one[1])
        self.fields["act"].choices = [*GROUPS, (gettext("One act"), single)]  # type: ignore[attr-defined]

    def clean_record_number(self) -> int | None:
        """The record's primary key.

        Raises:
            ValidationError: the clinic has no record of this number.
        """
        number = self.cleaned_data["record_number"]
        if not number:
            return None
        ours = Patient.objects.filter(clinic=self.clinic, record_number__iexact=number)
        found = ours.values_list("pk", flat=True).first()
        if found is None:
            raise forms.ValidationError(
                gettext("No record has this number. Copy it from the patient's page.")
            )
        return found

    def clean(self) -> dict[str, Any]:
        """Refuses days in the wrong order."""
        answers = super().clean() or self.cleaned_data
        first, last = answers.get("first"), answers.get("last")
        if first and last and last < first:
            self.add_error("last", gettext("The last day must not be before the first day"))
        return answers

    def wanted(self) -> Wanted:
        """The valid answers as a question."""
        answers = self.cleaned_data
        act = answers["act"]
        return Wanted(
            person=int(answers["person"]) if answers["person"] else None,
            patient=answers["record_number"],
            acts=ACTS_OF.get(act, (act,) if act and act != "changes" else ()),
            without=(*READING, trail.EXPORT, *DOOR) if act == "changes" else (),
            first=answers["first"],
            last=answers["last"],
        )
