"""The people who are treated."""

import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.access import Duty, clinics_with
from ocrevus_tracker.accounts.models import Clinic, User, validate_time_zone

if TYPE_CHECKING:
    from .course import Course


class PatientQuerySet(models.QuerySet["Patient"]):
    def visible_to(self, user: User) -> "PatientQuerySet":
        """Their own record for a patient, those of people whom they help, their clinics' records
        for staff, nothing else.
        """
        as_staff = models.Q(clinic__in=clinics_with(user, Duty.SEE))
        return self.filter(_shown_to(user) | as_staff)

    def shown_to(self, user: User) -> "PatientQuerySet":
        """The records whose dates `user` sees on the patients' pages: their own, and those of
        people whom they help.
        """
        return self.filter(_shown_to(user))

    def of_staff(self, user: User, duty: Duty = Duty.SEE) -> "PatientQuerySet":
        """The records on which `user` has `duty`, as staff of their clinics."""
        return self.filter(clinic__in=clinics_with(user, duty))

    def elsewhere(self) -> "PatientQuerySet":
        """Those with a time zone of their own, not the clinic's."""
        # In the very words of the index: SQLite would not know it by a parameter.
        own = models.Func(
            models.F("time_zone"),
            template="%(expressions)s > ''",
            output_field=models.BooleanField(),
        )
        return self.filter(own)

    def matching(self, words: str) -> "PatientQuerySet":
        """Those whose name or record number begins with each of the typed words."""
        found = self
        for word in words.split():
            found = found.filter(
                models.Q(given_name__istartswith=word)
                | models.Q(family_name__istartswith=word)
                | models.Q(record_number__istartswith=word)
            )
        return found


def _shown_to(user: User) -> models.Q:
    # A subquery: with a join, a record would come once for each of its helpers.
    helped = Patient.objects.filter(grants__user=user, grants__ended_at=None)
    return models.Q(user=user) | models.Q(pk__in=helped.values("pk"))


class Patient(models.Model):
    """A person treated at one clinic. The same person at two clinics is two records."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="patients")
    # Who signs in to see this record; several records may share one address (a couple).
    user = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="patients"
    )
    record_number = models.CharField(_("record number"), max_length=40)
    given_name = models.CharField(_("first name"), max_length=80)
    family_name = models.CharField(_("last name"), max_length=80)
    date_of_birth = models.DateField(_("date of birth"))
    email = models.EmailField(_("email address"), blank=True)
    wants_reminders = models.BooleanField(_("email reminders"), default=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    language = models.CharField(
        _("language"), max_length=10, choices=settings.LANGUAGES, default="en"
    )
    time_zone = models.CharField(
        _("time zone"), max_length=64, blank=True, validators=[validate_time_zone]
    )
    created_at = models.DateTimeField()
    # One key per opened form: the same form sent twice makes one record.
    entry_key = models.UUIDField(unique=True, null=True, editable=False)

    objects = PatientQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "clinic", "record_number", name="record_number_unique_in_clinic"
            ),
            models.CheckConstraint(
                condition=~models.Q(record_number=""), name="record_number_not_empty"
            ),
        ]
        indexes = [
            models.Index(fields=["clinic", "family_name", "given_name"]),
            models.Index(
                fields=["clinic", "time_zone"],
                condition=models.Q(time_zone__gt=""),
                name="patients_elsewhere",
            ),
        ]

    def __str__(self) -> str:
        return f"patient {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own signature
        """Save the record. Raises ValidationError when its time zone is unknown."""
        if self.time_zone:
            validate_time_zone(self.time_zone)
        super().save(*args, **kwargs)

    @property
    def full_name(self) -> str:
        """Given name, then family name."""
        return f"{self.given_name} {self.family_name}"

    @property
    def tz(self) -> ZoneInfo:
        """Where the patient lives; the clinic's zone unless told otherwise."""
        return ZoneInfo(self.time_zone) if self.time_zone else self.clinic.tz

    @property
    def course(self) -> "Course | None":
        """The open course, or else the one that stopped last."""
        courses = self.courses.all()
        return max(courses, key=lambda one: (one.stopped_on or dt.date.max, one.pk), default=None)

    def age_on(self, today: dt.date) -> int:
        """Whole years of age on `today`."""
        return relativedelta(today, self.date_of_birth).years
