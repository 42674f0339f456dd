"""The audit trail's rows."""

from typing import Any, NoReturn

from django.db import models

from ocrevus_tracker.accounts.models import Clinic, User


class Entry(models.Model):
    """One act by one person on one record. Holds ids and the clinic's own reason, no copies."""

    at = models.DateTimeField()
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    act = models.CharField(max_length=40)
    subject = models.CharField(max_length=60)
    reason = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "entries"
        indexes = [models.Index(fields=["clinic", "at"], name="audit_by_clinic_and_time")]

    def __str__(self) -> str:
        return f"{self.act} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own signature
        """Add the entry.

        Raises:
            TypeError: it exists already; an entry is never changed.
        """
        if self.pk is not None:
            raise TypeError("An audit entry is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ANN401 - see save
        """Always raises TypeError: an entry is never removed."""
        raise TypeError("An audit entry is never removed.")
