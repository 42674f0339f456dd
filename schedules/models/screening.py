"""What has been checked before a dose and during treatment, and what came of it."""

from typing import Literal, cast

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import Clinic, User
from schedules.engine import screening as engine

from .patient import Patient


class ScreeningStatus(models.TextChoices):
    """What somebody did about a check."""

    DONE = "done", _("Done")
    NOT_NEEDED = "not-needed", _("Not needed")


class Finding(models.TextChoices):
    """What a check that was done says about the next infusion."""

    CLEAR = "clear", _("Nothing against the infusion")
    NOT_CLEAR = "not-clear", _("Speaks against the infusion for now")


class ScreeningQuerySet(models.QuerySet["Screening"]):
    def counting(self) -> "ScreeningQuerySet":
        """Those that were not entered by mistake."""
        return self.filter(voided_at=None)

    def newest(self) -> "ScreeningQuerySet":
        """Of each person's answers to a check the one that stands."""
        later = Q(done_on__gt=OuterRef("done_on")) | Q(
            done_on=OuterRef("done_on"), pk__gt=OuterRef("pk")
        )
        newer = Screening.objects.counting().filter(
            later, patient=OuterRef("patient"), check_code=OuterRef("check_code")
        )
        return self.counting().exclude(Exists(newer))

    def speaking_against(self) -> "ScreeningQuerySet":
        """Those that found something against the infusion."""
        return self.filter(status=ScreeningStatus.DONE, finding=Finding.NOT_CLEAR)


class Screening(models.Model):
    """One answer to one check, such as a blood test's date. The newest that counts stands.

    `check_code` is a code of `schedules.engine.screening`. It belongs to the person, not to a
    course: a result stays true when the regimen changes.
    """

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="screenings")
    check_code = models.CharField(max_length=40)
    status = models.CharField(max_length=12, choices=ScreeningStatus.choices)
    finding = models.CharField(
        max_length=12, choices=Finding.choices, default=Finding.CLEAR, blank=True
    )
    # The date of the sample, the scan or the approval; for "not needed" of the decision.
    done_on = models.DateField(_("date"))
    # The last day it holds; empty where the check's own interval decides.
    expires_on = models.DateField(_("valid until"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)
    entry_key = models.UUIDField(unique=True, null=True, editable=False)

    objects = ScreeningQuerySet.as_manager()

    class Meta:
        ordering = ["done_on", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=ScreeningStatus.values), name="screening_status_known"
            ),
            models.CheckConstraint(
                condition=Q(finding__in=["", *Finding.values]), name="screening_finding_known"
            ),
            models.CheckConstraint(
                condition=Q(status=ScreeningStatus.DONE) | ~Q(note=""),
                name="screening_not_needed_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(expires_on=None) | Q(expires_on__gte=F("done_on")),
                name="screening_does_not_expire_before_it_is_done",
            ),
        ]
        indexes = [
            models.Index(fields=["patient", "check_code", "done_on"], name="screenings_by_check")
        ]

    def __str__(self) -> str:
        return f"screening {self.pk}"

    @property
    def counts(self) -> bool:
        """Whether it was not entered by mistake."""
        return self.voided_at is None

    @property
    def is_clear(self) -> bool:
        """Whether it found nothing against the infusion, or nothing was looked for."""
        return self.status == ScreeningStatus.NOT_NEEDED or self.finding != Finding.NOT_CLEAR

    def as_answer(self) -> engine.Answer:
        """The same answer in the engine's terms."""
        return engine.Answer(
            code=self.check_code,
            status=cast('Literal["done", "not-needed"]', self.status),
            done_on=self.done_on,
            clear=self.is_clear,
            expires_on=self.expires_on,
        )


class CheckInterval(models.Model):
    """A clinic's own word on one check: how often, or not at all."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="check_intervals")
    check_code = models.CharField(max_length=40)
    in_use = models.BooleanField(_("in use"), default=True)
    # Empty: the default of `schedules.engine.screening`.
    every_months = models.PositiveSmallIntegerField(
        _("every so many months"), null=True, blank=True
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "clinic", "check_code", name="one_interval_per_clinic_and_check"
            ),
            models.CheckConstraint(
                condition=Q(every_months=None) | Q(every_months__gt=0),
                name="check_interval_above_zero",
            ),
        ]

    def __str__(self) -> str:
        return f"check interval {self.pk}"
