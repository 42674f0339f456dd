"""Who sees a record online, besides the clinic: by what the patient was sent or has allowed."""

import datetime as dt

from django.db import models
from django.db.models import Q

from ocrevus_tracker.accounts.models import Invitation, InvitationQuerySet, User

from .patient import Patient

# Wrong dates of birth; a typing error or two are human, a search is not.
MOST_TRIES = 5


class PatientInvitationQuerySet(InvitationQuerySet["PatientInvitation"]):
    """See the class it is made from."""


class PatientInvitation(Invitation):
    """Lets the reader of a mailbox claim a record, once they know the date of birth as well."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="invitations")
    tries = models.PositiveSmallIntegerField(default=0)

    objects = PatientInvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "patient",
                condition=Q(used_at=None, withdrawn_at=None),
                name="one_unanswered_invitation_per_patient",
            ),
            models.CheckConstraint(
                condition=Q(tries__lte=MOST_TRIES), name="invitation_tries_bounded"
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"], condition=Q(unplanned=True), name="patient_invitations_unplanned"
            )
        ]

    def __str__(self) -> str:
        return f"patient invitation {self.pk}"

    def standing(self, now: dt.datetime) -> str:
        """Where it stands at `now` (aware): "used", "withdrawn", "tried-out", "too-old", "open"."""
        if self.used_at:
            return "used"
        if self.withdrawn_at:
            return "withdrawn"
        if self.tries >= MOST_TRIES:
            return "tried-out"
        return "open" if now < self.expires_at else "too-old"


class GrantQuerySet(models.QuerySet["Grant"]):
    def in_force(self) -> "GrantQuerySet":
        """Not taken back."""
        return self.filter(ended_at=None)


class Grant(models.Model):
    """A person sees the dates of a patient, who has allowed it. Notes and messages stay closed.

    `PatientQuerySet.shown_to` reads it, so that what is taken back ends with the next request.
    """

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="grants")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    # Whether they may also tell the clinic what has changed.
    may_tell = models.BooleanField()
    granted_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "patient",
                "user",
                condition=Q(ended_at=None),
                name="one_grant_in_force_per_patient_and_user",
            )
        ]

    def __str__(self) -> str:
        return f"grant {self.pk}"
