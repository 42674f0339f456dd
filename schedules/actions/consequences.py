"""What follows when an infusion is recorded, put right or taken back.

Nothing here is a verb: each runs in the transaction of one, with the course locked.
"""

import datetime as dt
from collections.abc import Sequence

from ocrevus_tracker.accounts.models import User
from schedules.engine.forecast import Forecast
from schedules.models import (
    Appointment,
    AppointmentQuerySet,
    AppointmentStatus,
    Course,
    Infusion,
    Reaction,
)

from .courses import end_for_good
from .shared import locked


def history_changed(course: Course, today: dt.date) -> Forecast:
    """Recompute the start and the next dose from the infusions that count now.

    A course that goes on from this one has the same clock: it is computed anew as well, and the
    answer is its forecast, for that is what comes next (A13).
    """
    first = course.infusions.counting().order_by("given_on").first()
    before = course.continues.started_on if course.continues else None
    course.started_on = before or (first.given_on if first else None)
    found = course.store_forecast(today)
    if course.stopped_on is None:
        return found
    later = Course.objects.select_for_update().filter(continues=course).first()
    return history_changed(later, today) if later else found


def close_visits(
    course: Course, infusion: Infusion, *, among: AppointmentQuerySet | None = None
) -> tuple[Appointment, ...]:
    """Close the visits that were for the dose just recorded; answers with those cancelled.

    The one on its day is done. An earlier one was not needed, nor a later one that lies nearer to
    this dose than to the next. Old history entered late takes nobody's coming visit away.
    `among` are the booked visits to look at, all of them unless told otherwise.
    """
    later = course.infusions.counting().filter(given_on__gt=infusion.given_on)
    next_due = None if later.exists() else course.next_due_on
    cancelled = []
    for visit in course.appointments.booked() if among is None else among:
        after = (visit.local_date - infusion.given_on).days
        if after and not infusion.counts:  # not given: only the visit of that day is off
            continue
        if after > 0 and (next_due is None or visit.local_date + dt.timedelta(after) >= next_due):
            continue
        done = after == 0 and infusion.counts
        visit.status = AppointmentStatus.FULFILLED if done else AppointmentStatus.CANCELLED
        visit.closed_by = infusion
        visit.save(update_fields=["status", "closed_by"])
        if after > 0:
            cancelled.append(visit)
    return tuple(cancelled)


def reopen_visits(course: Course, infusion: Infusion) -> None:
    """Book the visits again that `infusion` had closed, unless their time is taken meanwhile."""
    taken = course.appointments.booked().values("starts_at")
    course.appointments.filter(closed_by=infusion).exclude(starts_at__in=taken).update(
        status=AppointmentStatus.BOOKED, closed_by=None
    )


def end_after_reaction(
    course: Course, infusion: Infusion, *, actor: User, now: dt.datetime
) -> bool:
    """R12: where the reaction to `infusion` was life-threatening, end `course` for good.

    The end and the visits it calls off are remembered as the doing of `infusion`, to be taken
    back when its record is put right. A course that had ended otherwise stays as it ended, but
    is not opened again. Answers whether there was such a reaction.
    """
    if not (infusion.counts and infusion.reaction == Reaction.LIFE_THREATENING):
        return False
    if course.stopped_on:
        course.contraindicated = True
        course.save(update_fields=["contraindicated"])
        return True
    course.appointments.booked().update(closed_by=infusion)
    given = Infusion.objects.counting().filter(course__in=[course, infusion.course])
    last_on = given.latest("given_on").given_on
    # Under an earlier regimen it ends the one that took over, which cannot end before it began.
    on = max(last_on, course.took_over_on or last_on)
    end_for_good(course, actor=actor, now=now, on=on)
    course.ended_by = infusion
    course.save(update_fields=["ended_by"])
    return True


def resume_after_reaction(course: Course, infusion: Infusion) -> None:
    """Before `infusion` is put right: open `course` again if its reaction had ended it (R12).

    Whether anything ends the course after all is for `take_effect_anew` to say.
    """
    if infusion.reaction != Reaction.LIFE_THREATENING:
        return
    course.contraindicated = False
    if course.ended_by_id == infusion.pk:
        course.stopped_on = course.ended_by = None
        course.stop_reason = course.stop_note = ""
    course.save(
        update_fields=["contraindicated", "stopped_on", "ended_by", "stop_reason", "stop_note"]
    )


def take_effect_anew(
    infusion: Infusion, courses: Sequence[Course], *, actor: User, now: dt.datetime
) -> None:
    """Let everything follow from the saved `infusion` as if it had been recorded so at once.

    The visits that it had closed are booked again; then it, and each infusion recorded after it,
    closes those that were booked when it was recorded. `courses` are its own and those that go on
    from it, locked; the last is the one that the patient is on.
    """
    own, *later = courses
    for course in courses:
        reopen_visits(course, infusion)
    history_changed(own, own.patient.clinic.local_date(now))
    for course in later:
        course.refresh_from_db()
    recorded = Infusion.objects.filter(course__in=courses, voided_at=None).order_by(
        "recorded_at", "pk"
    )
    # What was told of another clinic's infusions closed no visit of ours.
    since = recorded.filter(recorded_at__gte=infusion.recorded_at, elsewhere=False)
    for one in since.select_related("course"):
        visits = one.course.appointments.booked().filter(booked_at__lte=one.recorded_at)
        close_visits(one.course, one, among=visits)
    for one in recorded.filter(reaction=Reaction.LIFE_THREATENING):
        end_after_reaction(courses[-1], one, actor=actor, now=now)


def with_those_after(course: Course) -> list[Course]:
    """The locked `course` and, locked too, those that go on from it under another regimen."""
    courses = [course]
    while after := Course.objects.filter(continues=courses[-1]).first():
        courses.append(locked(after))
    return courses
