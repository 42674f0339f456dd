"""Why no infusion may be given for a while."""

import datetime as dt

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import User
from schedules.engine import history as engine

from .course import Course

# An open hold that nobody set a review date for is asked about after as many days.
STILL_NEEDED_AFTER_DAYS = 28


class HoldReason(models.TextChoices):
    """What an infusion waits for. A pregnancy makes it a pause; the others are holds (R10)."""

    INFECTION = "infection", _("Infection")
    AUTHORIZATION = "authorization", _("Insurance approval")
    VACCINE = "vaccine", _("Vaccine")
    PREGNANCY = "pregnancy", _("Pregnancy")
    OTHER = "other", _("Another reason")


class HoldQuerySet(models.QuerySet["Hold"]):
    def counting(self) -> "HoldQuerySet":
        """Those that were not entered by mistake."""
        return self.filter(voided_at=None)

    def in_force(self, today: dt.date | OuterRef) -> "HoldQuerySet":
        """Those that keep an infusion from being given on `today`, the clinic's local date."""
        until = Q(ends_on=None) | Q(ends_on__gt=today)
        return self.counting().filter(until, starts_on__lte=today)

    def to_look_at(self, today: dt.date) -> "HoldQuerySet":
        """Those in force whose review date has come."""
        return self.in_force(today).filter(review_on__lte=today)

    def forgotten(self, today: dt.date) -> "HoldQuerySet":
        """Those in force for a while that neither end nor are looked at by themselves."""
        since = today - dt.timedelta(days=STILL_NEEDED_AFTER_DAYS)
        return self.in_force(today).filter(review_on=None, ends_on=None, starts_on__lte=since)


class Hold(models.Model):
    """No infusion from `starts_on`; `ends_on` is the first day allowed again, empty while open."""

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="holds")
    reason = models.CharField(_("reason"), max_length=20, choices=HoldReason.choices)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("first day allowed again"), null=True, blank=True)
    # When somebody looks at it again; a pause for a pregnancy has no end of its own.
    review_on = models.DateField(_("review date"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    released_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    released_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)
    # Rises with every change; a page opened before shows the other person's version first.
    revision = models.PositiveIntegerField(default=0)
    entry_key = models.UUIDField(unique=True, null=True, editable=False)

    objects = HoldQuerySet.as_manager()

    class Meta:
        ordering = ["starts_on", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(reason__in=HoldReason.values), name="hold_reason_known"
            ),
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")),
                name="hold_does_not_end_before_it_starts",
            ),
        ]
        indexes = [
            models.Index(fields=["starts_on"], name="holds_by_start"),
            models.Index(
                fields=["ends_on"], condition=Q(ends_on__isnull=False), name="holds_by_end"
            ),
        ]

    def __str__(self) -> str:
        return f"hold {self.pk}"

    @property
    def is_pause(self) -> bool:
        """Whether infusions are on pause, and not merely on hold."""
        return self.reason == HoldReason.PREGNANCY

    def in_force(self, today: dt.date) -> bool:
        """Whether it keeps an infusion from being given on `today`, the clinic's local date."""
        began = self.voided_at is None and self.starts_on <= today
        return began and (self.ends_on is None or today < self.ends_on)

    def as_held(self) -> engine.Hold:
        """The same hold in the engine's terms."""
        return engine.Hold(self.starts_on, self.ends_on, self.reason)


def held_on(today: dt.date) -> Exists:
    """A course's condition: a hold or a pause is in force on `today`, a local date (R10)."""
    return Exists(Hold.objects.in_force(today).filter(course=OuterRef("pk")))
