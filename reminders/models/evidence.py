"""What is known about mails that left, and about the work itself."""

import datetime as dt

from django.db import models
from django.utils.translation import gettext_lazy as _

from schedules.models import Patient

from .preference import Helper
from .reminder import Reminder


class EventKind(models.TextChoices):
    """What a mail service reports, in django-anymail's words."""

    DELIVERED = "delivered", _("Arrived")
    BOUNCED = "bounced", _("Sent back")
    REJECTED = "rejected", _("Refused")
    COMPLAINED = "complained", _("Called spam")
    DEFERRED = "deferred", _("Delayed")
    SENT = "sent", _("On its way")


class DeliveryEvent(models.Model):
    """One report about one mail. The same report twice is one row; order does not matter."""

    provider = models.CharField(max_length=40)
    event_id = models.CharField(max_length=128)
    kind = models.CharField(max_length=20, choices=EventKind.choices)
    message_id = models.CharField(max_length=64, db_index=True)
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField()
    # Whether the address itself is no good, as far as the service can tell.
    is_hard = models.BooleanField(default=False)
    # The reminder, once its row is known; a report may come before our own commit.
    reminder = models.ForeignKey(
        Reminder, on_delete=models.CASCADE, null=True, related_name="events"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint("provider", "event_id", name="one_row_per_delivery_event")
        ]

    def __str__(self) -> str:
        return f"delivery event {self.pk}"


class DeadAddress(models.Model):
    """An address from which a mail came back for good. Holds while it is the address in use, so
    putting the address right is all there is to do.
    """

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="dead_addresses")
    helper = models.ForeignKey(Helper, on_delete=models.CASCADE, null=True, related_name="+")
    email = models.EmailField()
    found_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "dead addresses"
        constraints = [
            models.UniqueConstraint("patient", "email", name="one_dead_address_per_patient")
        ]

    def __str__(self) -> str:
        return f"dead address {self.pk}"


class Heartbeat(models.Model):
    """One row: when planning and delivery last came to their end."""

    planned_at = models.DateTimeField(null=True)
    # The last pass over everything, not only over what has changed.
    reviewed_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return "heartbeat"

    @staticmethod
    def beat(**moments: dt.datetime) -> None:
        """Write down `planned_at=`, `reviewed_at=` or `delivered_at=` (aware UTC)."""
        Heartbeat.objects.bulk_create(
            [Heartbeat(pk=1, **moments)],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=list(moments),
        )


class Deployment(models.Model):
    """One row: whose database this is, and whether sending is stopped until somebody looks."""

    deployment_id = models.CharField(max_length=100, blank=True)
    halted_at = models.DateTimeField(null=True)
    # Why, as a code of `reminders.guards`.
    halted_for = models.CharField(max_length=40, blank=True)

    def __str__(self) -> str:
        return "deployment"
