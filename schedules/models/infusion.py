"""What was given."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import User
from schedules.engine import history as engine

from .course import Course

# A mistake noticed at once is undone at once; the mail about the infusion waits as long.
UNDO_FOR = dt.timedelta(minutes=15)


class Outcome(models.TextChoices):
    """How it went, in the terms of a FHIR MedicationAdministration."""

    COMPLETED = "completed", _("Full dose given")
    PARTIAL = "partial", _("Stopped early")
    NOT_DONE = "not-done", _("Not given")


class Disposition(models.TextChoices):
    """What a stopped infusion counts as (R11); empty until a clinician decides."""

    UNDECIDED = "", _("Prescriber will decide")
    COUNT_AS_GIVEN = "count-as-given", _("Count as given")
    COMPLETE_REMAINDER = "complete-remainder", _("The rest is given on another day")
    REPEAT = "repeat", _("Still due")


class Reaction(models.TextChoices):
    """The grade of a reaction to the infusion (R12); empty where there was none."""

    NONE = "", _("None")
    MILD = "mild", _("Mild")
    MODERATE = "moderate", _("Moderate: needed treatment")
    SEVERE = "severe", _("Severe")
    LIFE_THREATENING = "life-threatening", _("Life-threatening")


class Rate(models.TextChoices):
    """Which rate table the infusion ran by."""

    OPTION_1 = "option-1", _("Usual (Option 1)")
    OPTION_2 = "option-2", _("Short (Option 2)")


# What the engine reads of an infusion.
GIVEN_FIELDS = (
    *("given_on", "dose_mg", "outcome", "disposition"),
    *("remainder", "reaction", "ordinal_known", "day_known"),
)


def as_given(values: Iterable[Any]) -> engine.Infusion:
    """An infusion in the engine's terms, from the values of GIVEN_FIELDS."""
    given_on, dose_mg, outcome, disposition, *flags = values
    remainder, reaction, ordinal_known, day_known = flags
    return engine.Infusion(
        given_on=given_on,
        dose_mg=dose_mg,
        outcome=outcome,
        disposition=disposition or None,
        remainder=remainder,
        reaction=reaction or None,
        ordinal_known=ordinal_known,
        day_known=day_known,
    )


class InfusionQuerySet(models.QuerySet["Infusion"]):
    def counting(self) -> "InfusionQuerySet":
        """Those that put drug into the patient; one entered in error stays, marked, left out."""
        return self.filter(voided_at=None).exclude(outcome=Outcome.NOT_DONE)


class Infusion(models.Model):
    """One infusion, as a person at the clinic recorded it. Voided rows stay, marked.

    One that was "not given" has a dose of 0 mg and is no part of the history (R1). One given
    elsewhere may be known only to the month: `given_on` is then the month's first day, and
    `day_known` is false (R15).
    """

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="infusions")
    given_on = models.DateField(_("date given"))
    dose_mg = models.PositiveIntegerField(_("dose in mg"))
    outcome = models.CharField(max_length=20, choices=Outcome.choices, default=Outcome.COMPLETED)
    disposition = models.CharField(
        max_length=20, choices=Disposition.choices, default=Disposition.UNDECIDED, blank=True
    )
    # The later part of a dose that was stopped early.
    remainder = models.BooleanField(default=False)
    reaction = models.CharField(
        _("reaction"), max_length=20, choices=Reaction.choices, default=Reaction.NONE, blank=True
    )
    reaction_response = models.CharField(_("what was done"), max_length=500, blank=True)
    lot = models.CharField(_("lot"), max_length=40, blank=True)
    premedication = models.CharField(_("premedication"), max_length=200, blank=True)
    rate = models.CharField(_("rate"), max_length=10, choices=Rate.choices, blank=True)
    # Times on the clinic's wall clock, on the day it was given.
    started_at = models.TimeField(_("started"), null=True, blank=True)
    ended_at = models.TimeField(_("ended"), null=True, blank=True)
    observed_until = models.TimeField(_("watched until"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    # Given before the patient came to this clinic, as told by somebody else.
    elsewhere = models.BooleanField(default=False)
    day_known = models.BooleanField(default=True)
    ordinal_known = models.BooleanField(default=True)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    # The clinic's date when it was entered: what "not in the future" is measured against.
    recorded_on = models.DateField()
    voided_at = models.DateTimeField(null=True, blank=True)
    voided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # Rises with every change; a page opened before shows the other person's version first.
    revision = models.PositiveIntegerField(default=0)
    # One key per opened form: the same form sent twice records one infusion.
    entry_key = models.UUIDField(unique=True, null=True, editable=False)

    objects = InfusionQuerySet.as_manager()

    class Meta:
        ordering = ["given_on"]
        constraints = [
            models.UniqueConstraint(
                "course",
                "given_on",
                condition=Q(voided_at=None) & ~Q(outcome="not-done"),
                name="one_infusion_per_course_and_day",
            ),
            models.CheckConstraint(
                condition=Q(dose_mg__gt=0) & ~Q(outcome=Outcome.NOT_DONE)
                | Q(dose_mg=0, outcome=Outcome.NOT_DONE),
                name="infusion_dose_above_zero",
            ),
            models.CheckConstraint(
                condition=Q(given_on__lte=F("recorded_on")), name="infusion_not_in_the_future"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=Outcome.values), name="infusion_outcome_known"
            ),
            models.CheckConstraint(
                condition=Q(disposition="")
                | Q(disposition__in=Disposition.values, outcome=Outcome.PARTIAL),
                name="infusion_disposition_known_and_of_a_partial",
            ),
            models.CheckConstraint(
                condition=Q(reaction__in=Reaction.values), name="infusion_reaction_known"
            ),
            models.CheckConstraint(
                condition=Q(rate__in=["", *Rate.values]), name="infusion_rate_known"
            ),
            models.CheckConstraint(
                condition=Q(day_known=True, ordinal_known=True) | Q(elsewhere=True),
                name="infusion_half_known_only_from_elsewhere",
            ),
        ]
        indexes = [models.Index(fields=["recorded_at"], name="infusions_by_entry")]

    def __str__(self) -> str:
        return f"infusion {self.pk}"

    @property
    def counts(self) -> bool:
        """Whether it is part of the history."""
        return self.voided_at is None and self.outcome != Outcome.NOT_DONE

    @property
    def awaits_decision(self) -> bool:
        """Whether a clinician still has to say what it counts as."""
        return self.counts and self.outcome == Outcome.PARTIAL and not self.disposition

    @property
    def is_half_known(self) -> bool:
        """Whether its day, or which dose it was, is still to be found out (R15)."""
        return self.counts and not (self.day_known and self.ordinal_known)

    def as_given(self) -> engine.Infusion:
        """The same infusion in the engine's terms."""
        return as_given(getattr(self, name) for name in GIVEN_FIELDS)

    def can_be_undone(self, *, by: User, now: dt.datetime) -> bool:
        """By the person who recorded it, before the mail about it leaves, as it was (ux 2.12)."""
        fresh = now - self.recorded_at < UNDO_FOR
        untouched = self.voided_at is None and not self.revision
        return untouched and fresh and self.recorded_by_id == by.pk
