"""A mail sent again by hand, because somebody asked for it. Its words are made anew, with what is
true now; what is no longer true is not said again.
"""

import datetime as dt

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, has_duty
from ocrevus_tracker.accounts.models import User
from schedules.actions import UnableTo
from schedules.actions.shared import locked, on_trail
from schedules.models import Appointment, Course

from .models import OPEN, SENT, WITHOUT_COURSE, DeadAddress, Kind, Reminder, State
from .policy_rules import BOOKING_STEPS, LADDER
from .stopping import clinic_days, open_to_mail

# Long enough to wait for the next day, when a mail went to this person today already.
USEFUL_FOR = dt.timedelta(days=3)
# The same form sent twice: the second time the first one may already have left.
DOUBLE_TAP = dt.timedelta(minutes=15)
LONGEST_REASON = 500
AGAIN = (*SENT, State.FAILED, State.EXPIRED)
COPIED = (
    "course", "patient", "kind", "due_on", "visit_at", "appointment", "infusion", "date_move",
    "corrects", "recipient", "helper",
)  # fmt: skip


class UnableToResend(UnableTo):
    """It would not reach anybody, or would no longer be true."""


def may_be_sent_again(reminder: Reminder) -> bool:
    """Whether there is any point in offering it: it went, or should have, and is about a course."""
    return reminder.state in AGAIN and reminder.kind not in WITHOUT_COURSE


def resend(*, reminder: Reminder, actor: User, now: dt.datetime, reason: str) -> Reminder:
    """Put the mail of `reminder` on its way once more, for `reason`; it is then off the list.

    It keeps to the sending hours and to one mail a day. Asking again while it is on its way, or
    just after, makes no second one.

    Raises:
        UnableToResend: nobody may or can be written to, what it says is no longer true, `actor`
            does not work at the clinic, or there is no reason.
    """
    reason = reason.strip()[:LONGEST_REASON]
    if not may_be_sent_again(reminder) or reminder.course is None:
        raise UnableToResend(_("This email cannot be sent again."))
    with transaction.atomic():
        course = locked(reminder.course)
        _refuse(reminder, course, actor=actor, reason=reason, now=now)
        if already := _asked_before(reminder, now):
            return already
        again = Reminder.objects.create(
            **{name: getattr(reminder, name) for name in COPIED},
            resend_of=reminder,
            requested_by=actor,
            request_reason=reason,
            due_version=course.due_version,
            next_at=now,
            not_after=min(filter(None, (now + USEFUL_FOR, reminder.visit_at))),
        )
        Reminder.objects.to_check().filter(pk=reminder.pk).update(checked_at=now, checked_by=actor)
        on_trail(course, "send mail again", again, actor=actor, now=now, reason=reason)
    return again


def _asked_before(reminder: Reminder, now: dt.datetime) -> Reminder | None:
    just_sent = Q(accepted_at__gt=now - DOUBLE_TAP)
    asked = Reminder.objects.filter(Q(state__in=OPEN) | just_sent, resend_of=reminder)
    return asked.first()


def _refuse(
    reminder: Reminder, course: Course, *, actor: User, reason: str, now: dt.datetime
) -> None:
    clinic = course.patient.clinic
    if not has_duty(actor, clinic, Duty.BOOK):
        raise UnableToResend(_("Only the clinic's own people can send an email again."))
    if not reason:
        raise UnableToResend(_("Say why it is sent again"))
    if words := _nobody_to_write_to(reminder, course, now) or _no_longer_true(
        reminder, course, now
    ):
        raise UnableToResend(words)


def _nobody_to_write_to(reminder: Reminder, course: Course, now: dt.datetime) -> str:
    """Why nothing may go to the recipient; empty when something may."""
    patient, helper = course.patient, reminder.helper
    if not patient.wants_reminders:
        return _("This patient does not want email reminders: call instead.")
    email = helper.email if helper else patient.email
    if not email:
        return _("There is no email address: call instead.")
    if DeadAddress.objects.filter(patient=patient, email=email).exists():
        return _("Emails to this address come back. Put the address right first, or call.")
    if helper and not (helper.accepted_at and helper.gets_copies and helper.removed_at is None):
        return _("This helper does not get emails any more.")
    if not open_to_mail(clinic_days(now)).filter(pk=course.pk).exists():
        return _("Infusions are stopped or on pause, so no reminder goes out.")
    return ""


def _no_longer_true(reminder: Reminder, course: Course, now: dt.datetime) -> str:
    """Why its words would be wrong by now; empty when they hold."""
    kind = reminder.kind
    if kind in LADDER or kind == Kind.SECOND_VISIT:
        return _due_date_wrong(reminder, course, now)
    if kind == Kind.RECORDED:
        counts = reminder.infusion is not None and reminder.infusion.counts
        return "" if counts else _("The infusion that it is about does not count any more.")
    if kind == Kind.DATE_MOVED:
        moved_on = course.next_due_on is not None and course.next_due_on != reminder.due_on
        return _("The due date has changed since.") if moved_on else ""
    return _visit_wrong(reminder, course, now)


def _due_date_wrong(reminder: Reminder, course: Course, now: dt.datetime) -> str:
    if course.next_due_on != reminder.due_on:
        return _("The due date has changed since.")
    if Appointment.objects.booked().filter(course=course, starts_at__gt=now).exists():
        return _("A visit is booked now, so nothing is to be asked for.")
    late_on = reminder.due_on + dt.timedelta(days=course.patient.clinic.late_after_days)
    asks_early = reminder.kind in (*BOOKING_STEPS, Kind.SECOND_VISIT)
    if asks_early and now.astimezone(reminder.zone).date() >= late_on:
        return _("The visit is late by now, so this email would say the wrong thing.")
    if not asks_early and now.astimezone(reminder.zone).date() < late_on:
        return _("The visit is not late, so this email would say the wrong thing.")
    return ""


def _visit_wrong(reminder: Reminder, course: Course, now: dt.datetime) -> str:
    booked = Appointment.objects.booked().filter(course=course)
    visit = next((one for one in booked if one.starts_at == reminder.visit_at), None)
    if reminder.kind == Kind.CANCELLED:
        return _("A visit is booked at that time.") if visit else ""
    if visit is None or visit.starts_at <= now:
        return _("The visit that it is about is past, or is not booked like that any more.")
    days_to = (reminder.due_on - now.astimezone(reminder.zone).date()).days
    if reminder.kind == Kind.DAY_BEFORE and days_to != 1:
        return _("The visit is not tomorrow, so this email would say the wrong thing.")
    return ""
