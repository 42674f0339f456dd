"""The audit trail's rows: what was done, what can be erased of it, and what holds it together."""

from typing import Any, NoReturn

from django.db import models
from django.db.models import Q

from ocrevus_tracker.accounts.models import Clinic, User

VIEW = "view"
ERASE = "erase details"


class Kept(models.Model):
    """A row that is added and never changed. The database's triggers say the same (`guards`)."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own signature
        """Add the row.

        Raises:
            TypeError: it exists already; what is on the trail is never changed.
        """
        if not self._state.adding:
            raise TypeError("What is on the audit trail is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ANN401 - see save
        """Always raises TypeError: what is on the trail is never removed."""
        raise TypeError("What is on the audit trail is never removed.")


class Entry(Kept):
    """One act by one person on one record. Holds ids only: it outlives the people it is about.

    `clinic` is empty for a sign-in, which belongs to no clinic; `patient_id` is the record's
    number, and no foreign key, so that it stays when the record goes. What was changed, and why,
    is in `Detail`, of which `details` is the digest: empty where there is none.
    """

    at = models.DateTimeField()
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    # What the actor was at that time: a Role, "patient", "helper", or "system" for nobody.
    role = models.CharField(max_length=20)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, null=True, related_name="+")
    act = models.CharField(max_length=40)
    subject = models.CharField(max_length=60)
    patient_id = models.BigIntegerField(null=True)
    # The records on a list that was looked at, as in ",12,15,".
    shown = models.TextField(blank=True)
    nonce = models.CharField(max_length=32)
    details = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        verbose_name_plural = "entries"
        indexes = [
            models.Index(fields=["clinic", "id"], name="audit_by_clinic"),
            models.Index(fields=["actor", "at"], name="audit_by_actor"),
            models.Index(
                fields=["patient_id", "id"],
                condition=Q(patient_id__isnull=False),
                name="audit_by_patient",
            ),
            models.Index(
                fields=["subject", "at"], condition=~Q(act=VIEW), name="audit_changes_by_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.subject}"

    @property
    def reason(self) -> str:
        """Why it was done, in the words given; empty where none were, or where they are erased."""
        detail = self._detail
        return detail.reason if detail else ""

    @property
    def changes(self) -> list[list[Any]]:
        """What was changed: [field, old, new] each; JSON values."""
        detail = self._detail
        return detail.changes if detail else []

    @property
    def is_erased(self) -> bool:
        """Whether there was more to it, which was taken out at somebody's request."""
        return bool(self.details) and self._detail is None

    @property
    def _detail(self) -> "Detail | None":
        if not self.details:
            return None
        return getattr(self, "detail", None)


class Detail(Kept):
    """What an entry says about a person: the fields that changed, and the reason in words.

    The one thing on the trail that can be taken out (`trail.erase`). The entry keeps its digest;
    the salt goes with it, so that nobody can find the values again by trying.
    """

    entry = models.OneToOneField(
        Entry, on_delete=models.PROTECT, primary_key=True, related_name="detail"
    )
    salt = models.CharField(max_length=32)
    reason = models.TextField(blank=True)
    changes = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"details of entry {self.pk}"


class Seal(Kept):
    """One link of the chain: a batch of entries by id and digest, and the hash of the link before.

    The number is the primary key: of two who add the same link at once, one is refused.
    """

    number = models.PositiveBigIntegerField(primary_key=True)
    sealed_at = models.DateTimeField()
    previous = models.CharField(max_length=64, blank=True)
    # [id, digest] each, in the order of the ids.
    entries = models.JSONField()
    # The highest id in this link and those before it.
    reaches = models.BigIntegerField()
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"seal {self.number}"
