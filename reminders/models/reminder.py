"""The reminders, one row each. The row is the truth; queues and mail servers only act on it."""

from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ocrevus_tracker.accounts.models import Clinic, Membership, StaffInvitation, User
from reminders.stopping import Days, open_to_mail
from schedules.models import Appointment, Course, DateMove, Infusion, Patient, PatientInvitation

from .preference import Helper

PATIENT = "patient"


class State(models.TextChoices):
    """Where a reminder is on its way. The words are for the clinic's staff."""

    PLANNED = "PLANNED", _("Planned")
    CLAIMED = "CLAIMED", _("Being prepared")
    ON_WIRE = "ON_WIRE", _("Being sent")
    ACCEPTED = "ACCEPTED", _("Sent")
    DELIVERED = "DELIVERED", _("Arrived")
    BOUNCED = "BOUNCED", _("Sent back by the patient's mail service")
    RETRY_WAIT = "RETRY_WAIT", _("Waiting to be tried again")
    IN_DOUBT = "IN_DOUBT", _("Perhaps sent; being checked")
    CANCELLED = "CANCELLED", _("Not sent: no longer needed")
    SUPPRESSED = "SUPPRESSED", _("Not sent: no email address, or no reminders wanted")
    FAILED = "FAILED", _("Could not be sent")
    EXPIRED = "EXPIRED", _("Not sent in time")


# Nothing is on the wire: these may be cancelled, and a worker that holds one finds out in time.
WAITING = (State.PLANNED, State.RETRY_WAIT)
STOPPABLE = (*WAITING, State.CLAIMED)
OPEN = (*STOPPABLE, State.ON_WIRE, State.IN_DOUBT)
# The mail service said yes; what came of it afterwards changes nothing about that.
SENT = (State.ACCEPTED, State.DELIVERED, State.BOUNCED)
# A person at the clinic has to know.
TO_CHECK = (State.FAILED, State.EXPIRED, State.BOUNCED)
# At most one copy of a mail is risked when nobody can say whether the first one left.
MAX_DOUBT = 1
# Closed before anything was sent, or with that one copy left to risk: may still be wanted again.
REOPENABLE = Q(
    state__in=(State.CANCELLED, State.SUPPRESSED), accepted_at=None, doubt__lte=MAX_DOUBT
)


def _literally(*states: State) -> Func:
    """The condition of a row to be in one of these states, in the words of a partial index.

    SQLite uses such an index only where a statement says the same as its condition, word by word
    and not in parameters.
    """
    quoted = ", ".join(f"'{state}'" for state in states)
    return Func(F("state"), template=f"%(expressions)s IN ({quoted})", output_field=BooleanField())


IS_WAITING = _literally(*WAITING)
IS_IN_HAND = _literally(State.CLAIMED, State.ON_WIRE, State.IN_DOUBT)
IS_CLOSED = _literally(State.CANCELLED, State.SUPPRESSED)


class Kind(models.TextChoices):
    """What a mail says. The names are those of `reminders.rules`."""

    BOOK_1 = "book-1", _("Time to book")
    BOOK_2 = "book-2", _("Please book")
    BOOK_3 = "book-3", _("Please book, second time")
    SECOND_VISIT = "second-visit", _("Please book the second visit")
    OVERDUE_1 = "overdue-1", _("Please call us")
    OVERDUE_2 = "overdue-2", _("Can we help you book")
    OVERDUE_3 = "overdue-3", _("A nurse would like to talk")
    BOOKED = "booked", _("Visit booked")
    CHANGED = "changed", _("Visit changed")
    CANCELLED = "cancelled", _("Visit cancelled")
    PREPARE = "prepare", _("Get ready")
    DAY_BEFORE = "day-before", _("Visit tomorrow")
    RECORDED = "recorded", pgettext_lazy("kind of mail", "Infusion recorded")
    DATE_MOVED = "date-moved", pgettext_lazy("kind of mail", "Date put right")
    HELPER_INVITE = "helper-invite", _("Invitation to a helper")
    PATIENT_INVITE = "patient-invite", _("Invitation to see dates online")
    STAFF_INVITE = "staff-invite", _("Invitation to work at the clinic")
    DIGEST = "digest", _("Staff: today's list")


# About no course: to people who were invited, and to the clinic's own people.
WITHOUT_COURSE = (Kind.HELPER_INVITE, Kind.PATIENT_INVITE, Kind.STAFF_INVITE, Kind.DIGEST)


def is_true_on(days: Days) -> Q:
    """A row's condition: what it says still holds, and its recipient may be written to.

    Correlated subqueries, not joins: with a join PostgreSQL would not look at the row's own state
    again after waiting for another worker.
    """
    course = open_to_mail(days).filter(
        pk=OuterRef("course_id"), due_version=OuterRef("due_version")
    )
    helper = Helper.objects.filter(pk=OuterRef("helper_id"))
    member = Membership.objects.filter(pk=OuterRef("member_id"), user__is_active=True)
    # Too old is seen to by `not_after`.
    invitation = PatientInvitation.objects.unanswered().filter(pk=OuterRef("patient_invitation_id"))
    colleague = StaffInvitation.objects.unanswered().filter(pk=OuterRef("staff_invitation_id"))
    to_patient = Q(Exists(course), helper=None)
    to_helper = Q(Exists(course), Exists(helper.reachable()), helper__isnull=False)
    return (
        Q(kind=Kind.DIGEST) & Q(Exists(member))
        | Q(kind=Kind.HELPER_INVITE) & Q(Exists(helper.invited()))
        | Q(kind=Kind.PATIENT_INVITE) & Q(Exists(invitation))
        | Q(kind=Kind.STAFF_INVITE) & Q(Exists(colleague))
        | ~Q(kind__in=WITHOUT_COURSE) & (to_patient | to_helper)
    )


class ReminderQuerySet(models.QuerySet["Reminder"]):
    def true_on(self, days: Days) -> "ReminderQuerySet":
        """Still about the next dose as it is stored, for somebody who may be written to."""
        return self.filter(is_true_on(days))

    def telling(self) -> "ReminderQuerySet":
        """Those that reached the patient's mail service and named a due date, or took one back."""
        tells = Q(told_due_on__isnull=False) | Q(kind=Kind.DATE_MOVED)
        return self.filter(tells, recipient=PATIENT, state__in=(State.ACCEPTED, State.DELIVERED))

    def to_check(self) -> "ReminderQuerySet":
        """Did not get through, and nobody has looked at it: somebody should call instead."""
        return self.filter(state__in=TO_CHECK, checked_at=None)


class Reminder(models.Model):
    """One mail to one person about one due date, visit or infusion."""

    # Whom and what it is about; both are empty for the clinic's own people.
    patient = models.ForeignKey(
        Patient, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    course = models.ForeignKey(
        Course, on_delete=models.CASCADE, null=True, related_name="reminders"
    )
    appointment = models.ForeignKey(
        Appointment, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    infusion = models.ForeignKey(
        Infusion, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    # For a date put right: the last move that it tells. `corrects` is the mail that had told
    # another date or time.
    date_move = models.ForeignKey(
        DateMove, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    corrects = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    # The due date; for a visit's mail the visit's date; for "recorded" the date given; for a date
    # put right the new one, or the old one when there is none; for an invitation and a digest the
    # day itself.
    due_on = models.DateField()
    # The visit's time, for a visit's mail: moved within its day it is told anew. For a cancelled
    # visit the time that had been told.
    visit_at = models.DateTimeField(null=True)
    # Who gets it: "patient", "helper-<id>" with `helper`, "staff-<id>" with `member`, or
    # "invited-<id>" or "colleague-<id>" with the invitation.
    recipient = models.CharField(max_length=40, default=PATIENT, db_default=PATIENT)
    helper = models.ForeignKey(
        Helper, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    member = models.ForeignKey(
        Membership, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    patient_invitation = models.ForeignKey(
        PatientInvitation, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    staff_invitation = models.ForeignKey(
        StaffInvitation, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    # Sent again by hand: the mail that it repeats, by whom and why.
    resend_of = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    requested_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    request_reason = models.CharField(max_length=500, blank=True, db_default="")

    state = models.CharField(
        max_length=12, choices=State.choices, default=State.PLANNED, db_default=State.PLANNED
    )
    # The course's `due_version` when it was planned; another one there voids it.
    due_version = models.PositiveIntegerField(default=0, db_default=0)
    next_at = models.DateTimeField()
    not_after = models.DateTimeField()

    # Who works on it. `attempt` rises with each claim, so an earlier holder cannot write.
    attempt = models.PositiveIntegerField(default=0, db_default=0)
    owner = models.CharField(max_length=80, blank=True, db_default="")
    lease_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    doubt = models.PositiveSmallIntegerField(default=0, db_default=0)
    last_error = models.CharField(max_length=40, blank=True, db_default="")

    # What is sent. Message-ID and Date stay the same in a second copy. The Message-ID is made
    # when it is first needed, from ids and the secret key alone, so that a database that comes
    # back from a backup gives the same mail the same one.
    message_id = models.CharField(max_length=64, null=True)  # noqa: DJ001 - unique where it is one
    dated_at = models.DateTimeField(null=True)
    subject = models.CharField(max_length=200, blank=True, db_default="")
    body_text = models.TextField(blank=True, db_default="")
    # The due date that this text names; what the patient believes once the mail was accepted.
    told_due_on = models.DateField(null=True)
    # The recipient's local date on which it goes, kept unless it surely did not go: the database
    # lets nobody have two mails on one day. Without one it does not count: the visit is tomorrow.
    sent_on = models.DateField(null=True)

    accepted_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    bounced_at = models.DateTimeField(null=True)
    # Somebody at the clinic saw that it did not get through, and took it off the list.
    checked_at = models.DateTimeField(null=True)
    checked_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )

    objects = ReminderQuerySet.as_manager()

    class Meta:
        # A row changes its state three times on its way, and PostgreSQL writes each of its index
        # entries anew each time: what most rows leave empty has an index of the others alone.
        constraints = [
            models.UniqueConstraint(fields=["message_id"], name="one_message_id_per_reminder"),
            models.UniqueConstraint(
                "course",
                "kind",
                "due_on",
                "recipient",
                condition=Q(visit_at=None, date_move=None, resend_of=None),
                name="one_reminder_per_course_kind_date_recipient",
            ),
            models.UniqueConstraint(
                "course",
                "kind",
                "visit_at",
                "recipient",
                condition=Q(visit_at__isnull=False, corrects=None, resend_of=None),
                name="one_reminder_per_course_kind_visit_recipient",
            ),
            # A visit may move away, back and away again: each time somebody believes in another
            # time than the true one, that is told once.
            models.UniqueConstraint(
                "corrects",
                "kind",
                "recipient",
                condition=Q(kind__in=["changed", "cancelled"], resend_of=None),
                name="one_reminder_per_corrected_mail_recipient",
            ),
            # Likewise for a due date: each move is told once.
            models.UniqueConstraint(
                "date_move",
                "recipient",
                condition=Q(date_move__isnull=False, resend_of=None),
                name="one_reminder_per_date_move_recipient",
            ),
            models.UniqueConstraint(
                "kind",
                "due_on",
                "recipient",
                condition=Q(kind__in=["helper-invite", "digest"]),
                name="one_invitation_or_digest_per_day_recipient",
            ),
            models.UniqueConstraint(
                "patient_invitation",
                condition=Q(patient_invitation__isnull=False),
                name="one_mail_per_patient_invitation",
            ),
            models.UniqueConstraint(
                "staff_invitation",
                condition=Q(staff_invitation__isnull=False),
                name="one_mail_per_staff_invitation",
            ),
            models.UniqueConstraint(
                "patient",
                "recipient",
                "sent_on",
                condition=Q(sent_on__isnull=False),
                name="one_mail_a_day_per_person",
            ),
            models.CheckConstraint(
                condition=Q(kind="date-moved", date_move__isnull=False, corrects__isnull=False)
                | ~Q(kind="date-moved") & Q(date_move=None),
                name="reminder_of_a_date_move_knows_it",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["changed", "cancelled", "date-moved"], corrects__isnull=False)
                | ~Q(kind__in=["changed", "cancelled", "date-moved"]) & Q(corrects=None),
                name="reminder_that_corrects_knows_what",
            ),
            models.CheckConstraint(
                condition=Q(kind="digest", course=None, patient=None, member__isnull=False)
                | Q(kind="helper-invite", course=None, patient__isnull=False, member=None)
                | Q(
                    kind="patient-invite",
                    course=None,
                    patient__isnull=False,
                    member=None,
                    patient_invitation__isnull=False,
                )
                | Q(
                    kind="staff-invite",
                    course=None,
                    patient=None,
                    member=None,
                    staff_invitation__isnull=False,
                )
                | ~Q(kind__in=["helper-invite", "patient-invite", "staff-invite", "digest"])
                & Q(course__isnull=False, patient__isnull=False, member=None),
                name="reminder_knows_whom_it_is_about",
            ),
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="reminder_state_known"
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="reminder_kind_known"),
        ]
        indexes = [
            models.Index(fields=["patient", "kind", "due_on"], name="reminders_of_patient"),
            models.Index(
                fields=["kind", "due_on"],
                condition=Q(state__in=["CANCELLED", "SUPPRESSED"]),
                name="reminders_closed",
            ),
            *(
                models.Index(
                    fields=[name],
                    condition=Q(**{f"{name}__isnull": False}),
                    name=f"reminders_with_{name}",
                )
                for name in ("appointment", "infusion", "corrects", "helper", "member", "resend_of")
            ),
            models.Index(
                fields=["next_at"],
                condition=Q(state__in=["PLANNED", "RETRY_WAIT"]),
                name="reminders_waiting",
            ),
            models.Index(
                fields=["not_after"],
                condition=Q(state__in=["PLANNED", "RETRY_WAIT"]),
                name="reminders_expiring",
            ),
            models.Index(
                fields=["state", "lease_until"],
                condition=Q(state__in=["CLAIMED", "ON_WIRE", "IN_DOUBT"]),
                name="reminders_in_hand",
            ),
            models.Index(
                fields=["state"],
                condition=Q(state__in=["FAILED", "EXPIRED", "BOUNCED"], checked_at=None),
                name="reminders_to_check",
            ),
        ]

    def __str__(self) -> str:
        return f"reminder {self.pk}"

    @property
    def clinic(self) -> Clinic:
        """The clinic that writes."""
        if self.member:
            return self.member.clinic
        if self.staff_invitation:
            return self.staff_invitation.clinic
        assert self.patient is not None  # noqa: S101 - the database sees to it
        return self.patient.clinic

    @property
    def zone(self) -> ZoneInfo:
        """The time zone by which the recipient lives; the clinic's for its own people."""
        return self.patient.tz if self.patient else self.clinic.tz
