"""History from before the patient came to this clinic, and finding out what was missing in it."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.models import User
from schedules.engine.forecast import Forecast
from schedules.models import Course, Infusion

from .consequences import history_changed
from .infusions import Recorded, UnableToDecide, UnableToRecordInfusion
from .refusing import refuse_contradiction, refuse_impossible
from .shared import locked, made, must_treat, on_trail, saved_before


@dataclass(frozen=True, slots=True)
class Told:
    """One infusion as somebody else told of it (R15).

    Without `day_known` only the month of `given_on` is meant; without `ordinal_known` nobody
    knows which part of a first dose it was.
    """

    given_on: dt.date
    dose_mg: int
    day_known: bool = True
    ordinal_known: bool = True


def record_elsewhere(
    *,
    course: Course,
    actor: User,
    now: dt.datetime,
    doses: Sequence[Told],
    note: str = "",
    entry_key: uuid.UUID | None = None,
) -> Recorded:
    """Record `doses` that were given elsewhere; answers with the last of them.

    Booked visits stay: whether they still fit is for a person to say. What is known by halves
    lets no date be computed until somebody finds out (`complete_history`).

    Raises:
        UnableToRecordInfusion: see `record_infusion`.
    """
    with transaction.atomic():
        course = locked(course)
        must_treat(actor, course, UnableToRecordInfusion)
        today = course.patient.clinic.local_date(now)
        ours = Infusion.objects.filter(course__patient=course.patient)
        if saved := saved_before(ours, entry_key, refusal=UnableToRecordInfusion):
            return Recorded(saved, course.forecast(today), created=False)
        for dose in doses:
            infusion = _told(course, dose, actor=actor, now=now, note=note)
            infusion.entry_key, entry_key = entry_key, None  # the first one carries the form's
            refuse_impossible(course, infusion, today=today, refusal=UnableToRecordInfusion)
            infusion.save()
            _onto_trail(infusion, actor=actor, now=now)
        refuse_contradiction(course, today=today, refusal=UnableToRecordInfusion)
        found = history_changed(course, today)
    return Recorded(infusion, found, created=True)


def complete_history(
    *,
    infusion: Infusion,
    actor: User,
    now: dt.datetime,
    given_on: dt.date,
    first_on: dt.date | None = None,
) -> Forecast:
    """Somebody found out the day of `infusion`, or which part of the first dose it was.

    With `first_on` it was the second part, and the first was given on that day; else it was the
    first, or one of the later doses.

    Raises:
        UnableToDecide: there is nothing to find out any more, the parts are in the wrong order,
            or a day is impossible as for `record_infusion`.
    """
    with transaction.atomic():
        course = locked(infusion.course)
        must_treat(actor, course, UnableToDecide)
        infusion.refresh_from_db()
        today = course.patient.clinic.local_date(now)
        if not infusion.is_half_known:
            raise UnableToDecide(_("This was put right already."))
        if first_on and first_on >= given_on:
            raise UnableToDecide(_("Visit 1 must be before visit 2."))
        infusion.given_on = given_on
        infusion.day_known = infusion.ordinal_known = True
        infusion.revision += 1
        refuse_impossible(course, infusion, today=today, refusal=UnableToDecide)
        # Told before the day that it turned out to be: "not in the future" moves along.
        infusion.recorded_on = max(infusion.recorded_on, given_on)
        infusion.save(
            update_fields=["given_on", "day_known", "ordinal_known", "revision", "recorded_on"]
        )
        if first_on:
            dose = Told(first_on, course.regimen.initial[0].dose_mg)
            first = _told(course, dose, actor=actor, now=now, note="")
            refuse_impossible(course, first, today=today, refusal=UnableToDecide)
            first.save()
            _onto_trail(first, actor=actor, now=now)
        refuse_contradiction(course, today=today, refusal=UnableToDecide)
        found = history_changed(course, today)
        told = made(infusion, "given_on")
        on_trail(course, "complete history", infusion, actor=actor, now=now, changes=told)
    return found


def _onto_trail(infusion: Infusion, *, actor: User, now: dt.datetime) -> None:
    told = made(infusion, "given_on", "dose_mg")
    act = "record infusion elsewhere"
    on_trail(infusion.course, act, infusion, actor=actor, now=now, changes=told)


def _told(course: Course, dose: Told, *, actor: User, now: dt.datetime, note: str) -> Infusion:
    return Infusion(
        course=course,
        given_on=dose.given_on,
        dose_mg=dose.dose_mg,
        day_known=dose.day_known,
        ordinal_known=dose.ordinal_known,
        elsewhere=True,
        note=note,
        recorded_by=actor,
        recorded_at=now,
        recorded_on=course.patient.clinic.local_date(now),
    )
