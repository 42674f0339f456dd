"""Recording what was given, and taking it back."""

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.models import User
from schedules.engine.forecast import Forecast
from schedules.models import Appointment, Course, Disposition, Infusion, Outcome

from .consequences import close_visits, history_changed, reopen_visits
from .shared import UnableTo, locked, long_date, on_trail, saved_before


class UnableToRecordInfusion(UnableTo):
    """The date is taken or in the future, the dose is impossible, or treatment has stopped."""


class UnableToDecide(UnableTo):
    """There is nothing to decide, or somebody has done so."""


class UnableToUndo(UnableTo):
    """Somebody else recorded it, or it is too late."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded infusion and what follows; `created` is false for a form sent twice.

    `cancelled` are the coming visits that it made needless.
    """

    infusion: Infusion
    forecast: Forecast
    created: bool
    cancelled: tuple[Appointment, ...] = ()


def record_infusion(
    *,
    course: Course,
    actor: User,
    now: dt.datetime,
    given_on: dt.date,
    dose_mg: int,
    outcome: str = Outcome.COMPLETED,
    disposition: str = Disposition.UNDECIDED,
    lot: str = "",
    note: str = "",
    reason: str = "",
    entry_key: uuid.UUID | None = None,
) -> Recorded:
    """Record that `dose_mg` mg were given on `given_on`, the clinic's local date.

    The next dose moves, visits that were for this dose are closed, and reminders planned for the
    old date are void from this moment. `reason` answers the cautions and goes to the audit trail.

    Raises:
        UnableToRecordInfusion: a date in the future or one that has an infusion already, a dose
            of 0, or a course that was stopped.
    """
    with transaction.atomic():
        course = locked(course)
        today = course.patient.clinic.local_date(now)
        if saved := saved_before(course.infusions.all(), entry_key, refusal=UnableToRecordInfusion):
            return Recorded(saved, course.forecast(today), created=False)
        _refuse_infusion(course, given_on=given_on, dose_mg=dose_mg, today=today)
        infusion = Infusion.objects.create(
            course=course,
            given_on=given_on,
            dose_mg=dose_mg,
            outcome=outcome,
            disposition=disposition,
            lot=lot,
            note=note,
            recorded_by=actor,
            recorded_at=now,
            recorded_on=today,
            entry_key=entry_key,
        )
        found = history_changed(course, today)
        cancelled = close_visits(course, infusion)
        on_trail(course, "record infusion", infusion, actor=actor, now=now, reason=reason)
    return Recorded(infusion, found, created=True, cancelled=cancelled)


def decide_partial(
    *, infusion: Infusion, actor: User, now: dt.datetime, disposition: str
) -> Forecast:
    """A clinician says what an infusion that was stopped early counts as (R11).

    Raises:
        UnableToDecide: it was decided, undone, or not stopped early at all.
    """
    with transaction.atomic():
        course = locked(infusion.course)
        infusion.refresh_from_db()
        if not infusion.awaits_decision:
            raise UnableToDecide(_("This was decided already."))
        infusion.disposition = disposition
        infusion.save(update_fields=["disposition"])
        found = history_changed(course, course.patient.clinic.local_date(now))
        on_trail(course, "decide partial infusion", infusion, actor=actor, now=now)
    return found


def undo_infusion(*, infusion: Infusion, actor: User, now: dt.datetime) -> Forecast:
    """Take back an infusion just recorded; the row stays in the history, marked as a mistake.

    Visits it had closed are open again.

    Raises:
        UnableToUndo: recorded by somebody else, more than 15 minutes ago, or undone already.
    """
    with transaction.atomic():
        course = locked(infusion.course)
        infusion.refresh_from_db()
        if not infusion.can_be_undone(by=actor, now=now):
            raise UnableToUndo(
                _("Only the person who recorded it can undo it, and only for 15 minutes.")
            )
        infusion.voided_at = now
        infusion.save(update_fields=["voided_at"])
        reopen_visits(course, infusion)
        found = history_changed(course, course.patient.clinic.local_date(now))
        on_trail(course, "undo infusion", infusion, actor=actor, now=now)
    return found


def _refuse_infusion(course: Course, *, given_on: dt.date, dose_mg: int, today: dt.date) -> None:
    """The Stop tier of ux 2.11."""
    if given_on > today:
        raise UnableToRecordInfusion(_("The date given must be today or in the past."))
    if dose_mg <= 0:
        raise UnableToRecordInfusion(_("The dose must be more than 0 mg."))
    if course.stopped_on and given_on >= course.stopped_on:
        raise UnableToRecordInfusion(_("Infusions are stopped. Restart treatment first."))
    if course.infusions.counting().filter(given_on=given_on).exists():
        raise UnableToRecordInfusion(
            _("An infusion is already recorded for %(date)s.") % {"date": long_date(given_on)}
        )
