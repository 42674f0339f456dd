"""What a clinic decides for itself about the schedule, and the days on which it is closed."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import Clinic
from schedules.engine.policy import LONG_GAP
from schedules.engine.regimens import REGIMENS, Regimen, current_regimen

KEEP_YEARS = 10  # at least as long as most laws ask; a clinic sets its own
WORKDAYS = "12345"  # Monday to Friday, as ISO weekday numbers


class Region(models.TextChoices):
    """Whose label a clinic follows where the labels differ (A15, A17)."""

    US = "us", _("United States")
    EU = "eu", _("European Union")
    UK = "uk", _("United Kingdom")


def every_regimen() -> list[str]:
    """The codes of all regimens: what a clinic sees that has not chosen yet."""
    return sorted({code for code, _version in REGIMENS})


class ClinicRules(models.Model):
    """A clinic's own choices. One that never chose goes by the defaults written here."""

    clinic = models.OneToOneField(Clinic, on_delete=models.CASCADE, related_name="rules")
    regimens = models.JSONField(_("treatments in use"), default=every_regimen)
    region = models.CharField(_("label"), max_length=4, choices=Region.choices, default=Region.US)
    # A11: from this gap on the prescriber's word is asked for. No label names one.
    long_gap_months = models.PositiveSmallIntegerField(
        _("long gap, in months"), default=LONG_GAP.months
    )
    # ISO weekday numbers, Monday is 1.
    open_weekdays = models.CharField(_("open on"), max_length=7, default=WORKDAYS)
    # ISO 3166 codes, as the holidays package knows them; empty: no public holidays. It also has
    # calendars for a few cities and provinces without a code, such as "South Canterbury".
    holiday_country = models.CharField(_("country"), max_length=2, blank=True, default="US")
    holiday_subdivision = models.CharField(_("state or region"), max_length=40, blank=True)

    # How long a record is kept after its last infusion, and what asks for that (a law, by name).
    keep_years = models.PositiveSmallIntegerField(
        _("years to keep a record"), default=KEEP_YEARS, db_default=KEEP_YEARS
    )
    keep_because = models.CharField(_("why it is kept"), max_length=200, blank=True, db_default="")

    class Meta:
        verbose_name_plural = "clinic rules"
        constraints = [
            models.CheckConstraint(
                condition=Q(region__in=Region.values), name="clinic_rules_region_known"
            ),
            models.CheckConstraint(
                condition=Q(long_gap_months__gt=0), name="clinic_rules_long_gap_above_zero"
            ),
            models.CheckConstraint(
                condition=~Q(open_weekdays=""), name="clinic_rules_open_on_some_day"
            ),
        ]

    def __str__(self) -> str:
        return f"rules of clinic {self.clinic_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own signature
        """Save the choices.

        Raises:
            ValidationError: a regimen is unknown, or none is chosen.
        """
        if not self.regimens or not set(self.regimens) <= set(every_regimen()):
            raise ValidationError(_("Choose at least one treatment that is known here."))
        super().save(*args, **kwargs)

    @classmethod
    def of(cls, clinic: Clinic) -> "ClinicRules":
        """The clinic's choices; the defaults, unsaved, where it never chose.

        Asks the database at most once for each `clinic` in hand, and not at all for one that
        came with its `rules`.
        """
        try:
            return clinic.rules
        except cls.DoesNotExist:
            return cls(clinic=clinic)

    @property
    def in_use(self) -> list[Regimen]:
        """The treatments that a new course may be on, each in its newest version."""
        newest = {code: current_regimen(code) for code, _version in REGIMENS}
        return [regimen for code, regimen in newest.items() if code in self.regimens]


class Closure(models.Model):
    """Days on which the clinic is closed, both ends included, in its own words."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="closures")
    first_day = models.DateField(_("first day closed"))
    last_day = models.DateField(_("last day closed"))
    title = models.CharField(_("why"), max_length=80)
    entry_key = models.UUIDField(unique=True, null=True, editable=False)

    class Meta:
        ordering = ["first_day", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")), name="closure_ends_after_it_begins"
            )
        ]

    def __str__(self) -> str:
        return f"closure {self.pk}"
