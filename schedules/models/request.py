"""What patients ask of the clinic about their record: to put it right, or to delete it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import User

from .patient import Patient


class RequestKind(models.TextChoices):
    CORRECTION = "correction", _("Correction")
    DELETION = "deletion", _("Deletion")


class PatientRequest(models.Model):
    """One request; open until somebody at the clinic has answered it."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="requests")
    kind = models.CharField(max_length=12, choices=RequestKind.choices)
    words = models.CharField(_("in the patient's words"), max_length=2000, blank=True)
    asked_at = models.DateTimeField(_("asked"))
    closed_at = models.DateTimeField(_("answered"), null=True)
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    answer = models.CharField(_("the clinic's answer"), max_length=500, blank=True)

    class Meta:
        ordering = ["asked_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                "patient",
                "kind",
                condition=Q(closed_at=None),
                name="one_open_request_per_patient_and_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=RequestKind.values), name="patient_request_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"patient request {self.pk}"
