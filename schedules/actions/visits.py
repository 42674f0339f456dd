"""Booking, moving and cancelling visits."""

import datetime as dt
import uuid

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.models import User
from schedules.models import Appointment, AppointmentStatus, Course
from schedules.readiness import ruled_out

from .holding import hold_over, no_visit_while_held
from .shared import (
    UnableTo,
    is_prescriber,
    locked,
    locked_with,
    long_date,
    made,
    on_trail,
    saved_before,
)


class UnableToBook(UnableTo):
    """The time is past, taken, or too soon after the last infusion."""


def book_visit(
    *,
    course: Course,
    actor: User,
    now: dt.datetime,
    starts_at: dt.datetime,
    reason: str = "",
    despite: str = "",
    entry_key: uuid.UUID | None = None,
) -> Appointment:
    """Book a visit at `starts_at` (aware). The due date does not move.

    Before the first infusion the visit is also what the first infusion is ordered for. `despite`
    says why it is booked although a check is missing, and goes to the audit trail.

    Raises:
        UnableToBook: a day in the past; before the earliest day (R7) or inside a hold that has an
            end (R10), unless a prescriber gives a `reason`; inside one without an end; while a
            check rules the infusion out; while an infusion waits for a clinician's word (R11,
            R15); treatment is stopped; or that time is booked for this patient already.
    """
    with transaction.atomic():
        course = locked(course)
        if saved := saved_before(course.appointments.all(), entry_key, refusal=UnableToBook):
            return saved
        visit = Appointment(course=course, booked_by=actor, booked_at=now, entry_key=entry_key)
        _place(visit, starts_at, actor=actor, now=now, reason=reason)
        told = " ".join(words for words in (reason, despite) if words)
        moment = made(visit, "starts_at")
        on_trail(course, "book visit", visit, actor=actor, now=now, reason=told, changes=moment)
    return visit


def move_visit(
    *,
    visit: Appointment,
    actor: User,
    now: dt.datetime,
    starts_at: dt.datetime,
    reason: str = "",
) -> Appointment:
    """Give a booked visit another time (aware).

    Raises:
        UnableToBook: it is no longer booked; else see `book_visit`.
    """
    with transaction.atomic():
        locked_with(visit)
        _refuse_unless_booked(visit)
        if visit.starts_at == starts_at:  # the same form again
            return visit
        moved = {"starts_at": (visit.starts_at, starts_at)}
        _place(visit, starts_at, actor=actor, now=now, reason=reason)
        on_trail(
            visit.course, "move visit", visit, actor=actor, now=now, reason=reason, changes=moved
        )
    return visit


def cancel_visit(*, visit: Appointment, actor: User, now: dt.datetime) -> None:
    """The visit is off; the due date stays.

    Raises:
        UnableToBook: it is no longer booked.
    """
    with transaction.atomic():
        course = locked_with(visit)
        _refuse_unless_booked(visit)
        visit.status = AppointmentStatus.CANCELLED
        visit.save(update_fields=["status"])
        course.store_forecast(course.patient.clinic.local_date(now))
        on_trail(course, "cancel visit", visit, actor=actor, now=now)


def _refuse_unless_booked(visit: Appointment) -> None:
    """Somebody else may have closed the visit since this page was opened."""
    visit.refresh_from_db(fields=["status", "starts_at"])
    if visit.status != AppointmentStatus.BOOKED:
        raise UnableToBook(_("This visit is no longer booked."))


def _place(
    visit: Appointment, starts_at: dt.datetime, *, actor: User, now: dt.datetime, reason: str
) -> None:
    """Check the time, save the visit, and let the course know."""
    course = visit.course
    clinic = course.patient.clinic
    day, today = clinic.local_date(starts_at), clinic.local_date(now)
    if day < today:
        raise UnableToBook(_("The visit must be today or later."))
    if course.stopped_on:
        raise UnableToBook(_("Infusions are stopped. Restart treatment first."))
    if course.forecast(today).state == "pending_clinician":
        raise UnableToBook(
            _("Nothing can be booked yet: what the last infusion counts as is not decided.")
        )
    earliest = course.next_earliest_on if course.started_on else None
    if earliest and day < earliest and not (reason and is_prescriber(actor, course)):
        raise UnableToBook(
            _("The earliest day is %(date)s. Only a prescriber can book before it, with a reason.")
            % {"date": long_date(earliest)}
        )
    _refuse_held_day(course, day, today, actor=actor, reason=reason)
    if check := ruled_out(course, day=day, today=today):
        raise UnableToBook(
            _("%(check)s speaks against the infusion. Record a better result first.")
            % {"check": check.title}
        )
    before, visit.starts_at = visit.starts_at, starts_at
    try:
        with transaction.atomic():
            visit.save()
    except IntegrityError as error:
        visit.starts_at = before  # what a page goes on to show
        raise UnableToBook(_("This time is booked for this patient already.")) from error
    if not course.started_on:
        course.ordered_for = min(one.local_date for one in course.appointments.booked())
        course.save(update_fields=["ordered_for"])
    course.store_forecast(today)


def _refuse_held_day(
    course: Course, day: dt.date, today: dt.date, *, actor: User, reason: str
) -> None:
    """R10, R17: a hold keeps a visit from being booked; nobody books into one without an end."""
    hold = hold_over(course, day)
    if hold and not (hold.ends_on and reason and is_prescriber(actor, course)):
        raise UnableToBook(no_visit_while_held(hold, today))
