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

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from reminders.consent import is_wanted
from reminders.digests import digests
from reminders.models import (
    STOPPABLE,
    WAITING,
    Heartbeat,
    Kind,
    Reminder,
    State,
    is_true_on,
)
from reminders.stopping import clinic_days, open_to_mail
from schedules.models import Course

from .copies import add_copies
from .corrections import owed
from .events import about_records, about_visits, told_meanwhile
from .invitations import add_invitations, without_mail
from .places import places
from .wanted import Wanted, add, without_refused
from .windows import Cell, Look, cells_of, started_to_matter

# A pass over everything, however little seems to have changed.
REVIEW_EVERY = dt.timedelta(hours=1)
# Courses looked at in one transaction, so that an import of thousands holds nobody up.
AT_A_TIME = 2000
# Every time zone's midnight is at a full quarter of an hour of UTC.
QUARTER = 15 * 60


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
    calls = _calls(now)
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


@dataclass(frozen=True, slots=True)
class _Calls:
    """What there is to do at a moment."""

    planned_at: dt.datetime | None
    for_review: bool
    for_a_new_day: bool
    for_changes: bool
    for_expiry: bool
    for_invitations: bool
    for_a_beat: bool


def _calls(now: dt.datetime) -> _Calls:
    """One statement of a few index look-ups, whatever the number of patients."""
    # Written out because building it anew each minute would cost more than asking it.
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT planned_at, reviewed_at, "
            "EXISTS (SELECT 1 FROM schedules_course WHERE unplanned), "
            "EXISTS (SELECT 1 FROM reminders_reminder "
            "WHERE state IN ('PLANNED', 'RETRY_WAIT') AND not_after <= %s), "
            "EXISTS (SELECT 1 FROM schedules_patientinvitation WHERE unplanned) "
            "FROM reminders_heartbeat WHERE id = 1",
            [adapt(now)],
        )
        row = cursor.fetchone()
    planned_at, reviewed_at = (_aware(one) for one in row[:2]) if row else (None, None)
    if planned_at is None or reviewed_at is None:
        return _Calls(None, True, False, False, False, False, False)
    return _Calls(
        planned_at,
        for_review=not reviewed_at <= now < reviewed_at + REVIEW_EVERY,
        for_a_new_day=planned_at.timestamp() // QUARTER != now.timestamp() // QUARTER,
        for_changes=bool(row[2]),
        for_expiry=bool(row[3]),
        for_invitations=bool(row[4]),
        for_a_beat=planned_at <= now - dt.timedelta(seconds=30),
    )


def _aware(moment: dt.datetime | str | None) -> dt.datetime | None:
    """SQLite gives text to whoever asks without the ORM."""
    if isinstance(moment, str):
        moment = dt.datetime.fromisoformat(moment)
    return moment and (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC))


def _plan(now: dt.datetime, courses: Collection[int] | None = None) -> int:
    """For `courses` (ids), or for all."""
    _close_void_rows(now, courses)
    facts = _facts(now, courses)
    added = add(facts.wanted, now=now)
    added += sum(cell.add(now) for cell in facts.cells())
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
        added = sum(
            cell.add(now)
            for place in places()
            for cell in cells_of(place, Look(now, since=since, without=told_first))
        )
        if added:
            add_copies(now=now)
        return added + len(_add_digests(now))


@dataclass(frozen=True)
class _Facts:
    """What the facts call for: rows one by one, cells of many, and where it is too early to say."""

    wanted: list[Wanted]
    waiting: set[int]
    told_first: set[int]
    now: dt.datetime
    courses: Collection[int] | None

    def cells(self) -> Iterator[Cell]:
        """The cells, without those who hear something else first."""
        clinics = None if self.courses is None else _clinics_of(self.courses)
        look = Look(self.now, courses=self.courses, without=self.told_first)
        for place in places(clinics):
            yield from cells_of(place, look)


def _facts(now: dt.datetime, courses: Collection[int] | None) -> _Facts:
    open_courses = open_to_mail(clinic_days(now))
    if courses is not None:
        open_courses = open_courses.filter(pk__in=courses)
    put_right = list(owed(open_courses, now=now))
    # Whoever believes in another date hears that it was put right before anything else about it.
    told_first = {one.course_id for one in put_right}
    news = about_visits(open_courses, now)
    wanted = [mail for one in put_right for mail in one.wanted()] + news.wanted
    wanted += [one for one in about_records(open_courses, now) if one.course_id not in told_first]
    return _Facts(without_refused(wanted), told_first | news.waiting, told_first, now, courses)


def _clinics_of(courses: Collection[int]) -> list[int]:
    found = Course.objects.filter(pk__in=courses).order_by()
    return list(found.values_list("patient__clinic", flat=True).distinct())


def missing(*, now: dt.datetime) -> int:
    """How many reminders the facts call for at `now` (aware UTC) that are not on their way."""
    facts = _facts(now, None)
    cells = sum(cell.missing() for cell in facts.cells())
    return len(facts.wanted) + cells + without_mail(now)


def _close_void_rows(now: dt.datetime, courses: Collection[int] | None) -> None:
    """No consent or address: SUPPRESSED. Date moved, course stopped or held: CANCELLED. Late:
    EXPIRED.
    """
    stoppable = Reminder.objects.filter(state__in=STOPPABLE)
    if courses is not None:
        stoppable = stoppable.filter(course__in=courses)
    unwanted = Q(Exists(_unwilling())) | ~is_wanted()
    stoppable.filter(unwanted).update(state=State.SUPPRESSED)
    stoppable.filter(~is_true_on(clinic_days(now))).update(state=State.CANCELLED)
    stoppable.filter(Exists(told_meanwhile()), kind=Kind.BOOKED).update(state=State.CANCELLED)
    _expire(now)


def _unwilling() -> QuerySet[Course]:
    """The course of a row whose patient wants no mail, or has no address that works."""
    returned = Q(patient__dead_addresses__email=F("patient__email"))
    return Course.objects.filter(
        Q(patient__wants_reminders=False) | Q(patient__email="") | returned,
        pk=OuterRef("course_id"),
    )


def _expire(now: dt.datetime) -> None:
    waiting = Reminder.objects.filter(state__in=WAITING)
    waiting.filter(not_after__lte=now).update(state=State.EXPIRED)


def _add_digests(now: dt.datetime) -> list[Reminder]:
    return Reminder.objects.bulk_create(digests(now), ignore_conflicts=True)
