"""The reminders, one row each. The row is the truth; queues and mail servers only act on it."""

import datetime as dt
import uuid
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from schedules.models import Appointment, Course, DateMove, Infusion

from .stopping import Days, open_to_mail

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
# A person at the clinic has to know.
TO_CHECK = (State.FAILED, State.EXPIRED)
# At most one copy of a mail is risked when nobody can say whether the first one left.
MAX_DOUBT = 1
# Closed before anything was sent, or with that one copy left to risk: may still be wanted again.
REOPENABLE = Q(
    state__in=(State.CANCELLED, State.SUPPRESSED), accepted_at=None, doubt__lte=MAX_DOUBT
)


class Kind(models.TextChoices):
    """What a reminder says. The names are those of `reminders.rules`."""

    BOOK_1 = "book-1", _("Time to book")
    BOOK_2 = "book-2", _("Please book")
    BOOK_3 = "book-3", _("Please book, second time")
    SECOND_VISIT = "second-visit", _("Please book the second visit")
    OVERDUE_1 = "overdue-1", _("Please call us")
    OVERDUE_2 = "overdue-2", _("Can we help you book")
    OVERDUE_3 = "overdue-3", _("A nurse would like to talk")
    PREPARE = "prepare", _("Get ready")
    DAY_BEFORE = "day-before", _("Visit tomorrow")
    RECORDED = "recorded", pgettext_lazy("kind of mail", "Infusion recorded")
    DATE_MOVED = "date-moved", pgettext_lazy("kind of mail", "Date put right")


def is_true_on(days: Days) -> Exists:
    """A row's condition: its course still stands as it was planned for, and is open to mail.

    A correlated subquery, not a join: with a join PostgreSQL would not look at the row's own
    state again after waiting for another worker.
    """
    return Exists(
        open_to_mail(days).filter(pk=OuterRef("course_id"), due_version=OuterRef("due_version"))
    )


class ReminderQuerySet(models.QuerySet["Reminder"]):
    def true_on(self, days: Days) -> "ReminderQuerySet":
        """Still about the next dose as it is stored, for somebody who may be written to."""
        return self.filter(is_true_on(days))

    def telling(self) -> "ReminderQuerySet":
        """Those that reached the mail service and named a due date, or took one back."""
        tells = Q(told_due_on__isnull=False) | Q(kind=Kind.DATE_MOVED)
        return self.filter(tells, state__in=(State.ACCEPTED, State.DELIVERED))

    def to_check(self) -> "ReminderQuerySet":
        """Did not get through: somebody should call instead."""
        return self.filter(state__in=TO_CHECK)


def new_message_id() -> str:
    """The left part of a Message-ID: random, so it says nothing about anybody."""
    return uuid.uuid4().hex


class Reminder(models.Model):
    """One mail to one person about one due date, visit or infusion."""

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="reminders")
    appointment = models.ForeignKey(
        Appointment, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    infusion = models.ForeignKey(Infusion, on_delete=models.SET_NULL, null=True, related_name="+")
    # For a date put right: the last move that it tells, and the mail that had told another date.
    date_move = models.ForeignKey(DateMove, on_delete=models.CASCADE, null=True, related_name="+")
    corrects = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    # The due date; for a visit's mail the visit's date; for "recorded" the date given; for a date
    # put right the new one, or the old one when there is none.
    due_on = models.DateField()
    # The visit's time, for a visit's mail: moved within its day it is told anew.
    visit_at = models.DateTimeField(null=True)
    recipient = models.CharField(max_length=40, default=PATIENT)

    state = models.CharField(max_length=12, choices=State.choices, default=State.PLANNED)
    # The course's `due_version` when it was planned; another one there voids it.
    due_version = models.PositiveIntegerField()
    next_at = models.DateTimeField()
    not_after = models.DateTimeField()

    # Who works on it. `attempt` rises with each claim, so an earlier holder cannot write.
    attempt = models.PositiveIntegerField(default=0)
    owner = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    doubt = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=40, blank=True)

    # What is sent. Message-ID and Date stay the same in a second copy.
    message_id = models.CharField(max_length=64, unique=True, default=new_message_id)
    dated_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    subject = models.CharField(max_length=200, blank=True)
    body_text = models.TextField(blank=True)
    # The due date that this text names; what the patient believes once the mail was accepted.
    told_due_on = models.DateField(null=True)

    objects = ReminderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "course",
                "kind",
                "due_on",
                "recipient",
                condition=Q(visit_at=None, date_move=None),
                name="one_reminder_per_course_kind_date_recipient",
            ),
            models.UniqueConstraint(
                "course",
                "kind",
                "visit_at",
                "recipient",
                condition=Q(visit_at__isnull=False),
                name="one_reminder_per_course_kind_visit_recipient",
            ),
            # A date may move away, back and away again: each move is told once.
            models.UniqueConstraint(
                "date_move",
                "recipient",
                condition=Q(date_move__isnull=False),
                name="one_reminder_per_date_move_recipient",
            ),
            models.CheckConstraint(
                condition=Q(kind="date-moved", date_move__isnull=False, corrects__isnull=False)
                | ~Q(kind="date-moved") & Q(date_move=None, corrects=None),
                name="reminder_of_a_date_move_knows_it",
            ),
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="reminder_state_known"
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="reminder_kind_known"),
        ]
        indexes = [
            models.Index(
                fields=["next_at"],
                condition=Q(state__in=["PLANNED", "RETRY_WAIT"]),
                name="reminders_waiting",
            ),
            models.Index(
                fields=["state", "lease_until"],
                condition=Q(state__in=["CLAIMED", "ON_WIRE", "IN_DOUBT"]),
                name="reminders_in_hand",
            ),
            models.Index(
                fields=["state"],
                condition=Q(state__in=["FAILED", "EXPIRED"]),
                name="reminders_to_check",
            ),
        ]

    def __str__(self) -> str:
        return f"reminder {self.pk}"

    @property
    def zone(self) -> ZoneInfo:
        """The time zone by which the recipient lives."""
        return self.course.patient.tz


class Heartbeat(models.Model):
    """One row: when planning and delivery last came to their end."""

    planned_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return "heartbeat"

    @staticmethod
    def beat(**moments: dt.datetime) -> None:
        """Write down `planned_at=` or `delivered_at=` (aware UTC)."""
        Heartbeat.objects.bulk_create(
            [Heartbeat(pk=1, **moments)],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=list(moments),
        )
