"""The reminders that hang on a date: a due date without a visit, or a visit's day."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, QuerySet

from reminders import rules
from reminders.consent import refused_by
from reminders.models import OPEN, SENT, Kind, Reminder
from schedules.models import Appointment, Course, Disposition, Hold, Infusion, Outcome

from .batches import Batch, Cell, Window
from .places import Place

Dates = tuple[dt.date, dt.date]
DAY = dt.timedelta(days=1)


def _told_of_a_change(now: dt.datetime) -> QuerySet[Reminder]:
    """Word of a visit's new time, on its way or just gone: the mail of the day before would only
    say it once more.
    """
    changed = Reminder.objects.filter(
        appointment=OuterRef("pk"), kind=Kind.CHANGED, visit_at=OuterRef("starts_at")
    )
    return changed.filter(Q(state__in=OPEN) | Q(state__in=SENT, accepted_at__gt=now - DAY))


def open_dates(rule: rules.Rule, place: Place, now: dt.datetime) -> Dates:
    """The first and the last date for which the rule's window is open at `now` (aware)."""
    return rules.anchors_on(rule, place.today(place.moment(rule.kind, now)))


def entered_dates(
    rule: rules.Rule, place: Place, since: dt.datetime, now: dt.datetime
) -> Dates | None:
    """Of those the ones whose window has opened since the local day of `since`; None for none.

    A worker that was away for a week finds the dates of the whole week.
    """
    first, last = open_dates(rule, place, now)
    _first, known = rules.anchors_on(rule, place.today(since))
    first = max(first, known + DAY)
    return (first, last) if first <= last else None


@dataclass(frozen=True)
class Look:
    """Which batches to look at, and when: of all dates whose window is open at `now` (aware), or of
    those that opened after `since`; of all people, or of `courses` (ids) alone. Nobody of
    `without` (ids) gets a mail about a due date.
    """

    now: dt.datetime
    courses: Collection[int] | None = None
    without: Collection[int] = ()
    since: dt.datetime | None = None


def batches_of(place: Place, look: Look) -> Iterator[Batch]:
    """What there is to look at in `place`: as few batches as can be."""
    booking = defaultdict(list)
    for rule in place.rules:
        fits = _fits(place, rule, look)
        if fits and rule.anchor == "due":
            booking[refused_by(rule.kind)].append(_due_window(rule, fits))
        elif fits and rule.anchor == "visit" and _is_visit_on(place, fits):
            yield _of_visits(place, rule, fits, look)
    for windows in booking.values():
        yield from (_of_due_dates(place, apart, look) for apart in _without_overlap(windows))


def _without_overlap(windows: Sequence[Window]) -> list[list[Window]]:
    """The windows in groups that share no date, so that the date alone says which mail it is."""
    groups: list[list[Window]] = []
    for window in windows:
        free = [
            group for group in groups if all(window.dates.isdisjoint(one.dates) for one in group)
        ]
        if free:
            free[0].append(window)
        else:
            groups.append([window])
    return groups


def _fits(place: Place, rule: rules.Rule, look: Look) -> list[rules.Fit]:
    """The mails of a rule, one for each date whose window is looked at."""
    if rule.anchor == "event":
        return []
    if look.since:
        dates = entered_dates(rule, place, look.since, look.now)
    else:
        dates = open_dates(rule, place, look.now)
    if not dates:
        return []
    first, last = dates
    days = (first + dt.timedelta(days=number) for number in range((last - first).days + 1))
    return [fit for day in days if (fit := place.fit(rule, day, look.now))]


def _of_due_dates(place: Place, windows: Sequence[Window], look: Look) -> Batch:
    """Courses without a visit, by their due date. The mails are such as the same people want."""
    dates = {day for one in windows for day in one.dates}
    courses = place.courses(windows[0].kind, look.now).filter(next_due_on__in=dates)
    if look.courses is not None:
        courses = courses.filter(pk__in=look.courses)
    if look.without:
        courses = courses.exclude(pk__in=look.without)
    unbooked = courses.exclude(Exists(visits_that_count(look.now)))
    return Batch(unbooked, windows, "next_due_on", "pk", "patient_id", "due_version")


def _due_window(rule: rules.Rule, fits: Sequence[rules.Fit]) -> Window:
    here = Q(next_step__in=rule.steps, next_due_on__range=_span(fits))
    return Window(rule.kind, here, [Cell(fit.due_on + DAY, fit) for fit in fits])


def _of_visits(place: Place, rule: rules.Rule, fits: Sequence[rules.Fit], look: Look) -> Batch:
    """Booked visits, by their date, which is the clinic's.

    None while a clinician has to decide first: the patient's page names no date either then.
    """
    zone = ZoneInfo(place.clinic_zone)
    # Not "in": SQLite would list all courses first.
    course = place.courses(rule.kind, look.now).filter(pk=OuterRef("course_id"))
    visits = Appointment.objects.booked().filter(Exists(course), starts_at__gt=look.now)
    visits = visits.exclude(Exists(undecided(OuterRef("course"))))
    if rule.kind == Kind.DAY_BEFORE:
        visits = visits.exclude(Exists(_told_of_a_change(look.now)))
    if look.courses is not None:
        visits = visits.filter(course__in=look.courses)
    cells = [Cell(rules.local_moment(fit.due_on + DAY, 0, zone), fit) for fit in fits]
    windows = [Window(rule.kind, _between(*_span(fits), zone), cells)]
    names = ("starts_at", "course_id", "course__patient_id", "course__due_version")
    return Batch(visits, windows, *names, visit=True)


def _is_visit_on(place: Place, fits: Sequence[rules.Fit]) -> bool:
    """Whether there is a visit at all on one of the dates, at any clinic: one look at an index."""
    here = _between(*_span(fits), ZoneInfo(place.clinic_zone))
    return Appointment.objects.booked().filter(here).order_by().exists()


def _span(fits: Sequence[rules.Fit]) -> Dates:
    """The first and the last of their dates, between which none is missing."""
    return fits[0].due_on, fits[-1].due_on


def _between(first: dt.date, last: dt.date, zone: ZoneInfo) -> Q:
    """The condition on a visit to be on one of these dates, by the clock of `zone`."""
    return Q(
        starts_at__gte=rules.local_moment(first, 0, zone),
        starts_at__lt=rules.local_moment(last + DAY, 0, zone),
    )


def visits_that_count(now: dt.datetime) -> QuerySet[Appointment]:
    """Visits to come, and for a week those past: somebody may still enter what was given.

    After that a visit that was missed must not silence the reminders for ever.
    """
    since = now - rules.MISSED_VISIT_COUNTS_FOR
    return Appointment.objects.booked().filter(course=OuterRef("pk"), starts_at__gte=since)


def undecided(course: OuterRef) -> QuerySet[Infusion]:
    """Infusions of a course, and of the one it goes on from, of which somebody still has to say
    what they count as, or which they were.
    """
    half_known = Q(day_known=False) | Q(ordinal_known=False)
    stopped_early = Q(outcome=Outcome.PARTIAL, disposition=Disposition.UNDECIDED)
    return Infusion.objects.counting().filter(
        Q(course=course) | Q(course__continued_by=course), half_known | stopped_early
    )


def started_to_matter(since: dt.datetime, now: dt.datetime) -> QuerySet[Course]:
    """Courses for which the calendar alone has changed something between two moments (aware):
    a hold began or ended, or a visit that nobody recorded stopped counting.
    """
    # A day more on either side: local dates differ from UTC's by less than that.
    days = (since - DAY).date(), (now + DAY).date()
    missed = Appointment.objects.booked().filter(
        starts_at__gt=since - rules.MISSED_VISIT_COUNTS_FOR,
        starts_at__lte=now - rules.MISSED_VISIT_COUNTS_FOR,
    )
    # Three looks at three indexes; in one condition they would be one look at every course.
    began = Hold.objects.filter(starts_on__range=days)
    ended = Hold.objects.filter(ends_on__range=days)
    looks: list[QuerySet[Any]] = [
        facts.order_by().values("course") for facts in (began, ended, missed)
    ]
    return Course.objects.filter(pk__in=looks[0].union(*looks[1:]))
