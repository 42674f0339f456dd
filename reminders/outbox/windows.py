"""The reminders that hang on a date: a due date without a visit, or a visit's day.

The work is cut into cells: one rule, one place, one date. All people of a cell get the same mail
at the same moments, so the rule is asked once and one statement adds the rows of all of them.
Which cells are looked at is a matter of cost, never of truth: adding twice changes nothing.
"""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import (
    CharField,
    DateField,
    DateTimeField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)

from reminders import rules
from reminders.models import OPEN, PATIENT, REOPENABLE, SENT, Kind, Reminder, State
from schedules.models import Appointment, Course, CourseQuerySet, Disposition, Infusion, Outcome

from .inserting import insert_from
from .places import Place


@dataclass(frozen=True)
class Cell:
    """Everybody of a place for whom a rule's window is open by the same date."""

    place: Place
    fit: rules.Fit
    facts: QuerySet[Any]  # courses, or visits
    course: str  # how `facts` name the course: "pk", or "course_id"
    patient: str
    due_version: str
    visit: bool = False

    def add(self, now: dt.datetime) -> int:
        """Add the rows that are missing, and open those again that were closed; how many."""
        # A closed row of the same course stands in the way of a new one, so it is left alone here.
        added = insert_from(Reminder, self._unspoken(), self._columns(now))
        return added + (self._open_again(now) if self._closed().exists() else 0)

    def missing(self) -> int:
        """How many of its rows are missing or closed, though they should be on their way."""
        return self._unspoken().count()

    def _unspoken(self) -> QuerySet[Any]:
        """The facts that no row speaks for; one that was closed and may be opened does not."""
        return self.facts.exclude(Exists(self._rows().exclude(REOPENABLE)))

    def _rows(self) -> QuerySet[Reminder]:
        """The rows that speak for one of the facts.

        One of another course of the same person does too: a change of regimen repeats nothing.
        """
        return Reminder.objects.filter(
            patient=OuterRef(self.patient),
            kind=self.fit.kind,
            due_on=self.fit.due_on,
            visit_at=OuterRef("starts_at") if self.visit else None,
            recipient=PATIENT,
        )

    def _columns(self, now: dt.datetime) -> dict[str, Any]:
        columns = {
            "patient": F(self.patient),
            "course": F(self.course),
            "due_version": F(self.due_version),
            "kind": Value(self.fit.kind, CharField()),
            "due_on": Value(self.fit.due_on, DateField()),
            "next_at": Value(max(now, self.fit.not_before), DateTimeField()),
            "not_after": Value(self.fit.not_after, DateTimeField()),
        }
        if self.visit:
            columns |= {"appointment": F("pk"), "visit_at": F("starts_at")}
        return columns

    def _closed(self) -> QuerySet[Reminder]:
        """Rows that were closed before anything was sent."""
        return Reminder.objects.filter(
            REOPENABLE,
            kind=self.fit.kind,
            due_on=self.fit.due_on,
            recipient=PATIENT,
            visit_at__isnull=not self.visit,
        )

    def _open_again(self, now: dt.datetime) -> int:
        """Those of them that are wanted again."""
        again = self._unspoken().filter(**{self.course: OuterRef("course_id")})
        changes: dict[str, Any] = {}
        if self.visit:
            again = again.filter(starts_at=OuterRef("visit_at"))
            changes["appointment_id"] = Subquery(again.values("pk")[:1])
        changes |= {
            "state": State.PLANNED,
            "due_version": Subquery(again.values(self.due_version)[:1]),
            "next_at": max(now, self.fit.not_before),
            "not_after": self.fit.not_after,
        }
        return self._closed().filter(Exists(again)).update(**changes)


def _told_of_a_change(now: dt.datetime) -> QuerySet[Reminder]:
    """Word of a visit's new time, on its way or just gone: the mail of the day before would only
    say it once more.
    """
    changed = Reminder.objects.filter(
        appointment=OuterRef("pk"), kind=Kind.CHANGED, visit_at=OuterRef("starts_at")
    )
    return changed.filter(
        Q(state__in=OPEN) | Q(state__in=SENT, accepted_at__gt=now - dt.timedelta(days=1))
    )


Dates = tuple[dt.date, dt.date]


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
    first = max(first, known + dt.timedelta(days=1))
    return (first, last) if first <= last else None


@dataclass(frozen=True)
class Look:
    """Which cells to look at, and when: of all dates whose window is open at `now` (aware), or of
    those that opened after `since`; of all people, or of `courses` (ids) alone. Nobody of
    `without` (ids) gets a mail about a due date.
    """

    now: dt.datetime
    courses: Collection[int] | None = None
    without: Collection[int] = ()
    since: dt.datetime | None = None


def cells_of(place: Place, look: Look) -> Iterator[Cell]:
    """The cells of `place`."""
    for rule in place.rules:
        if rule.anchor == "event":
            continue
        if look.since:
            dates = entered_dates(rule, place, look.since, look.now)
        else:
            dates = open_dates(rule, place, look.now)
        if dates:
            cut = _due_cells if rule.anchor == "due" else _visit_cells
            yield from cut(place, rule, dates, look)


def _due_cells(place: Place, rule: rules.Rule, dates: Dates, look: Look) -> Iterator[Cell]:
    """Courses without a visit, cut by their due date."""
    here = place.courses(rule.kind, look.now).filter(next_step__in=rule.steps)
    if look.courses is not None:
        here = here.filter(pk__in=look.courses)
    if look.without:
        here = here.exclude(pk__in=look.without)
    unbooked = here.exclude(Exists(visits_that_count(look.now)))
    for due_on in _due_dates(here, dates):
        if fit := place.fit(rule, due_on, look.now):
            facts = unbooked.filter(next_due_on=due_on)
            yield Cell(place, fit, facts, "pk", "patient_id", "due_version")


def _visit_cells(place: Place, rule: rules.Rule, dates: Dates, look: Look) -> Iterator[Cell]:
    """Booked visits, cut by their date, which is the clinic's.

    None while a clinician has to decide first: the patient's page names no date either then.
    """
    zone = ZoneInfo(place.clinic_zone)
    courses = place.courses(rule.kind, look.now)
    here = Appointment.objects.booked().filter(course__in=courses, starts_at__gt=look.now)
    here = here.exclude(Exists(undecided(OuterRef("course"))))
    if rule.kind == Kind.DAY_BEFORE:
        here = here.exclude(Exists(_told_of_a_change(look.now)))
    if look.courses is not None:
        here = here.filter(course__in=look.courses)
    for day in _days(here, dates, zone):
        if fit := place.fit(rule, day, look.now):
            facts = here.filter(**_on_day(day, zone))
            yield Cell(
                place, fit, facts, "course_id", "course__patient_id", "course__due_version", True
            )


def _due_dates(courses: CourseQuerySet, dates: Dates) -> Sequence[dt.date]:
    """The due dates from the first to the last; a single one need not be looked for."""
    first, last = dates
    if first == last:
        return [first]
    found = courses.due_between(first, last).order_by()
    return sorted(day for day in found.values_list("next_due_on", flat=True).distinct() if day)


def _days(visits: QuerySet[Appointment], dates: Dates, zone: ZoneInfo) -> list[dt.date]:
    """The dates from the first to the last on which there are visits."""
    first, last = dates
    between = {
        "starts_at__gte": rules.local_moment(first, 0, zone),
        "starts_at__lt": rules.local_moment(last + dt.timedelta(days=1), 0, zone),
    }
    moments = visits.filter(**between).order_by().values_list("starts_at", flat=True).distinct()
    return sorted({moment.astimezone(zone).date() for moment in moments})


def _on_day(day: dt.date, zone: ZoneInfo) -> dict[str, dt.datetime]:
    return {
        "starts_at__gte": rules.local_moment(day, 0, zone),
        "starts_at__lt": rules.local_moment(day + dt.timedelta(days=1), 0, zone),
    }


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
    day = dt.timedelta(days=1)
    # A day more on either side: local dates differ from UTC's by less than that.
    first, last = (since - day).date(), (now + day).date()
    held = Q(holds__starts_on__range=(first, last)) | Q(holds__ends_on__range=(first, last))
    missed = Q(
        appointments__status="booked",
        appointments__starts_at__gt=since - rules.MISSED_VISIT_COUNTS_FOR,
        appointments__starts_at__lte=now - rules.MISSED_VISIT_COUNTS_FOR,
    )
    return Course.objects.filter(held | missed)
