"""What a patient wants to get, in which words, and who else gets a copy."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import Membership, User
from schedules.models import Grant, Patient


class Level(models.TextChoices):
    """How much a mail may say. Subjects, senders and previews are neutral at every level."""

    MESSAGE_ONLY = "message-only", _("Only that you have a message")
    DATE = "date", _("The date, but not what it is for")
    PLAIN = "plain", _("The date and what it is for")


USUAL_LEVEL = Level.DATE


class Topic(models.TextChoices):
    """What a recipient can stop by itself; to a mail program each is a list of its own."""

    BOOKING = "booking", _("Reminders to book a visit")
    VISIT = "visit", _("News about a booked visit")
    RECORD = "record", _("News about your record")

    @property
    def field(self) -> str:
        """The field of `MailChoices` that stops it."""
        return f"stops_{self.value}"


class MailChoices(models.Model):
    """Which of the mails about a patient one recipient does not want. See `reminders.consent`."""

    # Only mails that ask for something to be done, or say that a visit is tomorrow or off.
    only_needed = models.BooleanField(default=False, db_default=False)
    # Stopped by a link in a mail or on the page that lists them; one for each Topic.
    stops_booking = models.BooleanField(default=False, db_default=False)
    stops_visit = models.BooleanField(default=False, db_default=False)
    stops_record = models.BooleanField(default=False, db_default=False)

    class Meta:
        abstract = True

    @property
    def stopped_topics(self) -> list[Topic]:
        """What this recipient has stopped, in the order of Topic."""
        return [topic for topic in Topic if getattr(self, topic.field)]


class Preference(MailChoices):
    """A patient's choices about mail; without a row the defaults written here hold.

    Whether any mail is wanted at all is `Patient.wants_reminders`, which staff see and change.
    """

    patient = models.OneToOneField(Patient, on_delete=models.CASCADE, related_name="preference")
    level = models.CharField(max_length=12, choices=Level.choices, default=USUAL_LEVEL)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(level__in=Level.values), name="preference_level_known"
            )
        ]

    def __str__(self) -> str:
        return f"preference of patient {self.patient_id}"

    @classmethod
    def of(cls, patient: Patient) -> "Preference":
        """The patient's choices; the defaults, unsaved, where none were made."""
        try:
            return patient.preference
        except cls.DoesNotExist:
            return cls(patient=patient)

    @classmethod
    def level_of(cls, patient: Patient) -> str:
        """`of(patient).level`, for thousands of patients of whom few have chosen."""
        try:
            return patient.preference.level
        except cls.DoesNotExist:
            return USUAL_LEVEL


class HelperQuerySet(models.QuerySet["Helper"]):
    def helping(self) -> "HelperQuerySet":
        """Said yes, and were not removed."""
        return self.filter(accepted_at__isnull=False, removed_at=None)

    def getting_copies(self) -> "HelperQuerySet":
        """Helping, and with the patient's wish that they get the mails as well."""
        return self.helping().filter(gets_copies=True)

    def reachable(self) -> "HelperQuerySet":
        """Getting copies, at an address that mails do not come back from."""
        returned = Q(patient__dead_addresses__email=F("email"))
        return self.getting_copies().exclude(returned)

    def invited(self) -> "HelperQuerySet":
        """Asked, and have neither answered nor been removed."""
        return self.filter(accepted_at=None, removed_at=None)


class Helper(MailChoices):
    """A trusted person who sees a patient's dates, or gets a copy of the mails, or both, once
    they have said yes.

    Nothing is sent to them before that but the one question. What they see is the `grant`.
    """

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="helpers")
    name = models.CharField(_("name"), max_length=80)
    email = models.EmailField(_("email address"))
    # What the patient lets them do; see `reminders.helpers`.
    sees_dates = models.BooleanField(default=False, db_default=False)
    gets_copies = models.BooleanField(default=True, db_default=True)
    may_tell = models.BooleanField(default=False, db_default=False)
    grant = models.ForeignKey(Grant, on_delete=models.SET_NULL, null=True, related_name="+")
    invited_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)
    # None for who left by a link of their own.
    removed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = HelperQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "patient",
                "email",
                condition=Q(removed_at=None),
                name="one_helper_per_patient_and_address",
            )
        ]

    def __str__(self) -> str:
        return f"helper {self.pk}"

    @property
    def recipient(self) -> str:
        """How a reminder's row names this person."""
        return f"helper-{self.pk}"


class StaffPreference(models.Model):
    """What somebody who works at a clinic wants to get; without a row the default holds."""

    membership = models.OneToOneField(
        Membership, on_delete=models.CASCADE, related_name="mail_preference"
    )
    wants_digest = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"mail preference of membership {self.membership_id}"
