"""The turns of a course: its end, a new beginning, a change of regimen."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.models import User
from schedules.models import AppointmentStatus, Course, StopReason

from .shared import UnableTo, locked, long_date, on_trail


class UnableToChangeCourse(UnableTo):
    """The course stands elsewhere than the act needs, or only a prescriber may do it."""


def stop_course(
    *,
    course: Course,
    actor: User,
    now: dt.datetime,
    stopped_on: dt.date,
    reason: StopReason,
    note: str = "",
    contraindicated: bool = False,
) -> Course:
    """No more infusions from `stopped_on`, a local date; booked visits are cancelled.

    The past stays. Whoever died is not written to either. The same form sent again changes
    nothing.

    Raises:
        UnableToChangeCourse: a day in the future, one before the last infusion, or a course that
            was stopped otherwise meanwhile.
    """
    with transaction.atomic():
        course = locked(course)
        if (course.stopped_on, course.stop_reason, course.stop_note) == (stopped_on, reason, note):
            return course
        _refuse_end(course, stopped_on, today=course.patient.clinic.local_date(now))
        _end(
            course,
            actor=actor,
            now=now,
            on=stopped_on,
            reason=reason,
            note=note,
            contraindicated=contraindicated,
        )
        if reason == StopReason.DIED:
            course.patient.wants_reminders = False
            course.patient.save(update_fields=["wants_reminders"])
    return course


def end_for_good(course: Course, *, actor: User, now: dt.datetime, on: dt.date) -> None:
    """R12: a life-threatening reaction on the local date `on` ends the course for good.

    For a verb that records the reaction, in its transaction, with the course locked. Booked
    visits are cancelled and the next dose is stored anew: there is none.
    """
    _end(course, actor=actor, now=now, on=on, reason=StopReason.REACTION, contraindicated=True)


def _refuse_end(course: Course, stopped_on: dt.date, *, today: dt.date) -> None:
    """A course ends once, on a day that came, and not before its last infusion."""
    if course.stopped_on:
        raise UnableToChangeCourse(
            _("Infusions were stopped already, on %(date)s.")
            % {"date": long_date(course.stopped_on)}
        )
    if stopped_on > today:
        raise UnableToChangeCourse(_("The date must be today or in the past."))
    if course.infusions.counting().filter(given_on__gt=stopped_on).exists():
        raise UnableToChangeCourse(
            _("An infusion is recorded after this date. Choose a later day.")
        )


def _end(
    course: Course,
    *,
    actor: User,
    now: dt.datetime,
    on: dt.date,
    reason: StopReason,
    note: str = "",
    contraindicated: bool = False,
) -> None:
    """Write the end into the locked course, call its visits off, and say so on the trail."""
    course.stopped_on = on
    course.stop_reason = reason
    course.stop_note = note
    course.contraindicated = contraindicated
    course.save(update_fields=["stopped_on", "stop_reason", "stop_note", "contraindicated"])
    course.appointments.booked().update(status=AppointmentStatus.CANCELLED)
    course.store_forecast(course.patient.clinic.local_date(now))
    on_trail(course, "stop course", course, actor=actor, now=now, reason=reason)
