"""What was given."""

import datetime as dt
from typing import cast

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import User
from schedules.engine import history as engine

from .course import Course

# A mistake noticed at once is undone at once; the mail about the infusion waits as long.
UNDO_FOR = dt.timedelta(minutes=15)


class Outcome(models.TextChoices):
    COMPLETED = "completed", _("Full dose given")
    PARTIAL = "partial", _("Stopped early")


class Disposition(models.TextChoices):
    """What a stopped infusion counts as (R11); empty until a clinician decides."""

    UNDECIDED = "", _("Prescriber will decide")
    COUNT_AS_GIVEN = "count-as-given", _("Count as given")
    REPEAT = "repeat", _("Still due")


class InfusionQuerySet(models.QuerySet["Infusion"]):
    def counting(self) -> "InfusionQuerySet":
        """Those that are part of the history: entered in error stays, marked, and is left out."""
        return self.filter(voided_at=None)


class Infusion(models.Model):
    """One infusion, as a person at the clinic recorded it. Voided rows stay, marked."""

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="infusions")
    given_on = models.DateField(_("date given"))
    dose_mg = models.PositiveIntegerField(_("dose in mg"))
    outcome = models.CharField(max_length=20, choices=Outcome.choices, default=Outcome.COMPLETED)
    disposition = models.CharField(
        max_length=20, choices=Disposition.choices, default=Disposition.UNDECIDED, blank=True
    )
    lot = models.CharField(_("lot"), max_length=40, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    # The clinic's date when it was entered: what "not in the future" is measured against.
    recorded_on = models.DateField()
    voided_at = models.DateTimeField(null=True, blank=True)
    # One key per opened form: the same form sent twice records one infusion.
    entry_key = models.UUIDField(unique=True, null=True, editable=False)

    objects = InfusionQuerySet.as_manager()

    class Meta:
        ordering = ["given_on"]
        constraints = [
            models.UniqueConstraint(
                "course",
                "given_on",
                condition=Q(voided_at=None),
                name="one_infusion_per_course_and_day",
            ),
            models.CheckConstraint(condition=Q(dose_mg__gt=0), name="infusion_dose_above_zero"),
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
        ]

    def __str__(self) -> str:
        return f"infusion {self.pk}"

    @property
    def counts(self) -> bool:
        """Whether it is part of the history."""
        return self.voided_at is None

    @property
    def awaits_decision(self) -> bool:
        """Whether a clinician still has to say what it counts as."""
        return self.counts and self.outcome == Outcome.PARTIAL and not self.disposition

    def as_given(self) -> engine.Infusion:
        """The same infusion in the engine's terms."""
        return engine.Infusion(
            given_on=self.given_on,
            dose_mg=self.dose_mg,
            outcome=cast("engine.Outcome", self.outcome),
            disposition=cast("engine.Disposition | None", self.disposition or None),
        )

    def can_be_undone(self, *, by: User, now: dt.datetime) -> bool:
        """By the person who recorded it, before the mail about it leaves (ux 2.12)."""
        fresh = now - self.recorded_at < UNDO_FOR
        return self.counts and fresh and self.recorded_by_id == by.pk
