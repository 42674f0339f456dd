"""What is booked: a date and time, kept apart from the due date."""

import datetime as dt

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import User

from .course import Course
from .infusion import Infusion


class AppointmentStatus(models.TextChoices):
    """The FHIR appointment states in use here."""

    BOOKED = "booked", _("Booked")
    FULFILLED = "fulfilled", _("Done")
    CANCELLED = "cancelled", _("Cancelled")


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def booked(self) -> "AppointmentQuerySet":
        """Those that still wait for their infusion, past ones included."""
        return self.filter(status=AppointmentStatus.BOOKED)


class Appointment(models.Model):
    """A booked visit. Moving it changes `starts_at`; the row stays the same visit."""

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="appointments")
    starts_at = models.DateTimeField(_("date and time"))
    status = models.CharField(
        max_length=20, choices=AppointmentStatus.choices, default=AppointmentStatus.BOOKED
    )
    booked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    booked_at = models.DateTimeField()
    # The infusion that closed it, so that undoing the infusion opens it again.
    closed_by = models.ForeignKey(
        Infusion, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    entry_key = models.UUIDField(unique=True, null=True, editable=False)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at"]
        constraints = [
            models.UniqueConstraint(
                "course",
                "starts_at",
                condition=Q(status="booked"),
                name="one_booked_visit_per_course_and_time",
            ),
            models.CheckConstraint(
                condition=Q(status__in=AppointmentStatus.values), name="appointment_status_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["starts_at"], condition=Q(status="booked"), name="booked_visits_by_time"
            )
        ]

    def __str__(self) -> str:
        return f"appointment {self.pk}"

    @property
    def local_date(self) -> dt.date:
        """The visit's date on the clinic's wall calendar."""
        return self.course.patient.clinic.local_date(self.starts_at)
