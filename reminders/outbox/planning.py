"""Which rows there should be: void ones closed, missing ones added, in statements over sets.

Nothing here asks "is it today?". Each rule looks for the dates whose window holds this moment, so
a day without a worker is made up for by the next pass, with the reminder that fits then.

`plan` looks at everything. `tick` is for each minute: one statement says whether there is
anything to do, and then only what changed, or what the calendar brought, is looked at. Each hour
it looks at everything all the same, so that no mistake about what changed lasts longer.
"""

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from reminders.consent import is_wanted
from reminders.digests import digests
from reminders.models import (
    IS_IN_HAND,
    IS_WAITING,
    STOPPABLE,
    Heartbeat,
    Kind,
    Reminder,
    State,
    is_true_on,
)
from reminders.stopping import clinic_days, open_to_mail
from schedules.models import Course

from .batches import Batch, add_all
from .calls import calls_at
from .copies import add_copies
from .corrections import owed
from .events import about_records, about_visits, told_meanwhile
from .invitations import add_invitations, without_mail
from .places import places
from .wanted import Wanted, add, without_refused
from .windows import Look, batches_of, started_to_matter

# Courses looked at in one transaction, so that an import of thousands holds nobody up.
AT_A_TIME = 2000


def plan(*, now: dt.datetime) -> int:
    """Close the rows that are void and add those that `now` (aware UTC) calls for, looking at
    everything.

    Returns how many were added or opened again. Doing it twice does nothing the second time.
    """
    # First, so that a change made meanwhile sets the mark again and is not lost. No transaction
    # holds it all together: nobody who saves something waits for us, and what is left undone by a
    # crash is looked at again, because the beat at the end is missing.
    Course.objects.filter(unplanned=True).update(unplanned=False)
    added = _plan(now) + len(_add_digests(now)) + add_invitations(now)
    Heartbeat.beat(planned_at=now, reviewed_at=now)
    return added


def tick(*, now: dt.datetime) -> int:
    """As `plan`, at next to no cost while nothing changes and no day begins.

    Returns how many rows were added or opened again.
    """
    calls = calls_at(now)
    if calls.for_review:
        return plan(now=now)
    added = add_invitations(now) if calls.for_invitations else 0
    since = calls.planned_at
    assert since is not None  # noqa: S101 - without one a review is called for
    if calls.for_a_new_day:
        added += _plan_what_the_calendar_brings(since, now)
    if calls.for_expiry:
        _expire(now)
    if calls.for_changes or calls.for_a_new_day:
        last = 0
        # Once through: where it is too early to say, the mark is set again for the next minute.
        while pks := _changed(after=last):
            added += _plan_courses(pks, now)
            last = pks[-1]
    if calls.for_a_beat:
        Heartbeat.beat(planned_at=now)
    return added


def _plan(now: dt.datetime, courses: Collection[int] | None = None) -> int:
    """For `courses` (ids), or for all."""
    _close_void_rows(now, courses)
    facts = _facts(now, courses)
    added = add(facts.wanted, now=now)
    added += sum(add_all(batches, now) for batches in facts.batches())
    added += add_copies(now=now, courses=courses)
    # Where nobody can say yet, somebody looks again in a minute.
    Course.objects.filter(pk__in=facts.waiting).update(unplanned=True)
    return added


def _plan_courses(pks: list[int], now: dt.datetime) -> int:
    with transaction.atomic():
        taken = list(
            Course.objects.select_for_update().filter(pk__in=pks).values_list("pk", flat=True)
        )
        Course.objects.filter(pk__in=taken).update(unplanned=False)
        return _plan(now, taken)


def _changed(*, after: int) -> list[int]:
    changed = Course.objects.filter(unplanned=True, pk__gt=after).order_by("pk")
    return list(changed.values_list("pk", flat=True)[:AT_A_TIME])


def _plan_what_the_calendar_brings(since: dt.datetime, now: dt.datetime) -> int:
    """The dates whose windows have opened since the last pass; and the courses for which a hold
    or a missed visit has come to its day are marked as changed.
    """
    with transaction.atomic():
        started_to_matter(since, now).update(unplanned=True)
        told_first = {one.course_id for one in owed(open_to_mail(clinic_days(now)), now=now)}
        look = Look(now, since=since, without=told_first)
        added = sum(add_all(list(batches_of(place, look)), now) for place in places())
        if added:
            add_copies(now=now)
        return added + len(_add_digests(now))


@dataclass(frozen=True)
class _Facts:
    """What the facts call for: rows one by one, batches, and where it is too early to say."""

    wanted: list[Wanted]
    waiting: set[int]
    told_first: set[int]
    now: dt.datetime
    courses: Collection[int] | None

    def batches(self) -> Iterator[list[Batch]]:
        """The batches of each place, without those who hear something else first."""
        clinics = None if self.courses is None else _clinics_of(self.courses)
        look = Look(self.now, courses=self.courses, without=self.told_first)
        for place in places(clinics):
            yield list(batches_of(place, look))


def _facts(now: dt.datetime, courses: Collection[int] | None) -> _Facts:
    open_courses = open_to_mail(clinic_days(now))
    if courses is not None:
        open_courses = open_courses.filter(pk__in=courses)
    put_right = list(owed(open_courses, now=now))
    # Whoever believes in another date hears that it was put right before anything else about it.
    told_first = {one.course_id for one in put_right}
    news = about_visits(open_courses, now, only=courses)
    wanted = [mail for one in put_right for mail in one.wanted()] + news.wanted
    records = about_records(open_courses, now, only=courses)
    wanted += [one for one in records if one.course_id not in told_first]
    return _Facts(without_refused(wanted), told_first | news.waiting, told_first, now, courses)


def _clinics_of(courses: Collection[int]) -> list[int]:
    found = Course.objects.filter(pk__in=courses).order_by()
    return list(found.values_list("patient__clinic", flat=True).distinct())


def missing(*, now: dt.datetime) -> int:
    """How many reminders the facts call for at `now` (aware UTC) that are not on their way."""
    facts = _facts(now, None)
    batches = (one for batches in facts.batches() for one in batches)
    missing_rows = sum(batch.missing() for batch in batches)
    return len(facts.wanted) + missing_rows + without_mail(now)


def _close_void_rows(now: dt.datetime, courses: Collection[int] | None) -> None:
    """No consent or address: SUPPRESSED. Date moved, course stopped or held: CANCELLED. Late:
    EXPIRED.

    First the ids, by the indexes; only of these is asked what they hang on. Asked of all at once,
    PostgreSQL would read every course to find that there are no rows.
    """
    stoppable = Reminder.objects.filter(IS_WAITING | IS_IN_HAND, state__in=STOPPABLE)
    if courses is not None:
        stoppable = stoppable.filter(course__in=courses)
    unwanted, untrue = Q(Exists(_unwilling())) | ~is_wanted(), ~is_true_on(clinic_days(now))
    told = Q(Exists(told_meanwhile()), kind=Kind.BOOKED)
    pks = list(stoppable.values_list("pk", flat=True))
    for first in range(0, len(pks), AT_A_TIME):
        part = pks[first : first + AT_A_TIME]
        rows = Reminder.objects.filter(pk__in=part, state__in=STOPPABLE)
        rows.filter(unwanted).update(state=State.SUPPRESSED)
        rows.filter(untrue).update(state=State.CANCELLED)
        rows.filter(told).update(state=State.CANCELLED)
    _expire(now)


def _unwilling() -> QuerySet[Course]:
    """The course of a row whose patient wants no mail, or has no address that works."""
    returned = Q(patient__dead_addresses__email=F("patient__email"))
    return Course.objects.filter(
        Q(patient__wants_reminders=False) | Q(patient__email="") | returned,
        pk=OuterRef("course_id"),
    )


def _expire(now: dt.datetime) -> None:
    waiting = Reminder.objects.filter(IS_WAITING, not_after__lte=now)
    waiting.update(state=State.EXPIRED)


def _add_digests(now: dt.datetime) -> list[Reminder]:
    return Reminder.objects.bulk_create(digests(now), ignore_conflicts=True)
