"""Recording what was given, and taking it back."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import TypedDict, Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.models import User
from schedules.engine.forecast import Forecast
from schedules.models import Appointment, Course, Disposition, Infusion, Outcome

from .consequences import (
    close_visits,
    end_after_reaction,
    history_changed,
    reopen_visits,
    resume_after_reaction,
    with_those_after,
)
from .refusing import refuse_contradiction, refuse_impossible
from .shared import UnableTo, locked, made, must_treat, on_trail, saved_before


class UnableToRecordInfusion(UnableTo):
    """The date is taken or in the future, the dose is impossible, or treatment has stopped."""


class UnableToDecide(UnableTo):
    """There is nothing to decide, or somebody has done so."""


class UnableToUndo(UnableTo):
    """Somebody else recorded it, or it is too late."""


class Details(TypedDict, total=False):
    """What else may be said about an infusion; none of it is required.

    `remainder` marks the rest of an infusion that was stopped early on another day. Times are
    those of the clinic's wall clock.
    """

    disposition: str
    remainder: bool
    reaction: str
    reaction_response: str
    lot: str
    note: str
    premedication: str
    rate: str
    started_at: dt.time | None
    ended_at: dt.time | None
    observed_until: dt.time | None


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
    reason: str = "",
    entry_key: uuid.UUID | None = None,
    **details: Unpack[Details],
) -> Recorded:
    """Record that `dose_mg` mg were given on `given_on`, the clinic's local date.

    The next dose moves, visits that were for this dose are closed, and reminders planned for the
    old date are void from this moment. One that was not given has 0 mg: the visit of that day is
    off and the due date stays (R1). After a life-threatening reaction the course ends for good
    (R12). `reason` answers the cautions and goes to the audit trail.

    Raises:
        UnableToRecordInfusion: a date in the future or one that has an infusion already, an
            impossible dose, a course that was stopped, the rest of an infusion where none is
            awaited (R11), or the short rate where it is barred.
    """
    with transaction.atomic():
        # The regimen that ran on its day (A13). Locked from the earliest on, so nobody waits in
        # a ring.
        then = locked(course.at(given_on))
        current = then if then.pk == course.pk else locked(course)
        must_treat(actor, current, UnableToRecordInfusion)
        today = current.patient.clinic.local_date(now)
        ours = Infusion.objects.filter(course__patient=current.patient)
        if saved := saved_before(ours, entry_key, refusal=UnableToRecordInfusion):
            return Recorded(saved, current.forecast(today), created=False)
        infusion = Infusion(
            course=then,
            given_on=given_on,
            dose_mg=dose_mg,
            outcome=outcome,
            recorded_by=actor,
            recorded_at=now,
            recorded_on=today,
            entry_key=entry_key,
            **details,
        )
        refuse_impossible(then, infusion, today=today, refusal=UnableToRecordInfusion)
        infusion.save()
        refuse_contradiction(then, today=today, refusal=UnableToRecordInfusion)
        found = history_changed(then, today)
        cancelled = close_visits(then, infusion)
        waiting = tuple(current.appointments.booked())
        if end_after_reaction(current, infusion, actor=actor, now=now):
            cancelled += waiting
        told = made(infusion, "given_on", "dose_mg", "outcome", "reaction", "lot")
        on_trail(
            then, "record infusion", infusion, actor=actor, now=now, reason=reason, changes=told
        )
    return Recorded(infusion, found, created=True, cancelled=cancelled)


def decide_partial(
    *, infusion: Infusion, actor: User, now: dt.datetime, disposition: str
) -> Forecast:
    """A clinician says what an infusion that was stopped early counts as (R11).

    Raises:
        UnableToDecide: it was decided, undone, or not stopped early at all; or the decision
            cannot be, such as none.
    """
    with transaction.atomic():
        course = locked(infusion.course)
        must_treat(actor, course, UnableToDecide)
        infusion.refresh_from_db()
        if not infusion.awaits_decision:
            raise UnableToDecide(_("This was decided already."))
        if disposition not in set(Disposition) - {Disposition.UNDECIDED}:
            raise UnableToDecide(_("Choose what counts next."))
        infusion.disposition = disposition
        infusion.revision += 1
        infusion.save(update_fields=["disposition", "revision"])
        found = history_changed(course, course.patient.clinic.local_date(now))
        told = made(infusion, "disposition")
        on_trail(course, "decide partial infusion", infusion, actor=actor, now=now, changes=told)
    return found


def undo_infusion(*, infusion: Infusion, actor: User, now: dt.datetime) -> Forecast:
    """Take back an infusion just recorded; the row stays in the history, marked as a mistake.

    Visits it had closed are open again, and so is the course that it had ended.

    Raises:
        UnableToUndo: recorded by somebody else, more than 15 minutes ago, changed since, undone
            already, or the rest of it is recorded too.
    """
    with transaction.atomic():
        course = locked(infusion.course)
        must_treat(actor, course, UnableToUndo)
        infusion.refresh_from_db()
        today = course.patient.clinic.local_date(now)
        if not infusion.can_be_undone(by=actor, now=now):
            raise UnableToUndo(
                _(
                    "Only the person who recorded it can undo it, and only for 15 minutes. "
                    "What was changed since is corrected instead."
                )
            )
        infusion.voided_at = now
        infusion.voided_by = actor
        infusion.revision += 1
        infusion.save(update_fields=["voided_at", "voided_by", "revision"])
        refuse_contradiction(course, today=today, refusal=UnableToUndo)
        for one in with_those_after(course):
            resume_after_reaction(one, infusion)
            reopen_visits(one, infusion)
        found = history_changed(course, today)
        on_trail(course, "undo infusion", infusion, actor=actor, now=now)
    return found
