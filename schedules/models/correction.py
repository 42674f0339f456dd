"""What was changed in a record afterwards, and which dates moved by it."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import User

from .course import Course
from .infusion import Infusion


class Correction(models.Model):
    """One change of a recorded infusion: before, after, who, when and why. Never changed itself.

    `before` and `after` hold the fields that differ, by name, as JSON values.
    """

    infusion = models.ForeignKey(Infusion, on_delete=models.CASCADE, related_name="corrections")
    before = models.JSONField(encoder=DjangoJSONEncoder)
    after = models.JSONField(encoder=DjangoJSONEncoder)
    reason = models.CharField(_("reason"), max_length=500)
    corrected_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    corrected_at = models.DateTimeField()
    entry_key = models.UUIDField(unique=True, null=True, editable=False)

    class Meta:
        ordering = ["corrected_at", "pk"]

    def __str__(self) -> str:
        return f"correction {self.pk}"


class DateMove(models.Model):
    """The next due date moved because a record was put right. Empty dates: none was known.

    Whoever had been told `from_on` is told once where it stands now.
    """

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="date_moves")
    from_on = models.DateField(null=True)
    to_on = models.DateField(null=True)
    moved_at = models.DateTimeField()
    # False where the person who put it right chose not to write to the patient.
    tell_patient = models.BooleanField(default=True)

    class Meta:
        ordering = ["moved_at", "pk"]
        indexes = [models.Index(fields=["moved_at"], name="date_moves_by_moment")]

    def __str__(self) -> str:
        return f"date move {self.pk}"
