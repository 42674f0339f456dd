"""Which mails a clinic sends, and when: each change is a new version, none is lost."""

from django.db import models

from ocrevus_tracker.accounts.models import Clinic, User


class Policy(models.Model):
    """One version of a clinic's reminder policy; the newest is in force.

    `rows` is a JSON object: kind -> days from its anchor (negative: before). A kind that is left
    out is not sent. Kinds, anchors and limits are those of `reminders.rules`.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="policies")
    version = models.PositiveIntegerField()
    rows = models.JSONField()
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    # The version whose rows these are again.
    restored_from = models.PositiveIntegerField(null=True)

    class Meta:
        verbose_name_plural = "policies"
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint("clinic", "version", name="one_policy_per_clinic_and_version")
        ]

    def __str__(self) -> str:
        return f"policy {self.version} of clinic {self.clinic_id}"
