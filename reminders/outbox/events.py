"""The mails that follow what happened at the clinic: an infusion recorded, a visit booked, moved
or cancelled.

About visits nothing is remembered but what the patient was told: whoever believes in a time that
no longer stands is told the right one, however often it moved in between.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from reminders import rules
from reminders.models import PATIENT, REOPENABLE, SENT, TO_CHECK, Kind, Reminder, State
from schedules.models import (
    UNDO_FOR,
    Appointment,
    AppointmentStatus,
    CourseQuerySet,
    Disposition,
    Infusion,
)

from .wanted import Wanted

TELLS_A_VISIT = (Kind.BOOKED, Kind.CHANGED, Kind.PREPARE, Kind.DAY_BEFORE, Kind.CANCELLED)


def about_records(
    courses: CourseQuerySet, now: dt.datetime, *, only: Collection[int] | None = None
) -> Iterator[Wanted]:
    """Infusions just recorded, the latest of their course, with a next date to tell. `only` are
    ids of courses, None for all.

    After one to be repeated the date may be past: then the book and overdue mails speak. After
    one whose rest is still to come the next visit is not the next due date. One given elsewhere
    is nothing to thank for, and nobody is thanked twice because a record was put right.
    """
    later = Infusion.objects.counting().filter(
        course=OuterRef("course_id"), given_on__gt=OuterRef("given_on")
    )
    thanked = Reminder.objects.filter(kind=Kind.RECORDED, infusion=OuterRef("pk"))
    # A row of another course of the same person speaks too.
    spoken = Reminder.objects.filter(
        patient=OuterRef("course__patient"),
        kind=Kind.RECORDED,
        due_on=OuterRef("given_on"),
        recipient=PATIENT,
    )
    closed = spoken.filter(REOPENABLE, course=OuterRef("course_id"))
    infusions = (
        Infusion.objects.counting()
        .filter(~Exists(later), recorded_at__gt=now - rules.RECORDED_USEFUL_FOR)
        .filter(_is_about(courses, only))
        .filter(course__next_due_on__gt=F("given_on"), elsewhere=False)
        .exclude(disposition=Disposition.COMPLETE_REMAINDER)
        .exclude(Exists(thanked.exclude(REOPENABLE)))
        .exclude(Exists(spoken.exclude(REOPENABLE)))
        .annotate(
            version=F("course__due_version"),
            patient=F("course__patient_id"),
            closed_row=Subquery(closed.values("pk")[:1]),
        )
    )
    facts = ("version", "patient", "closed_row")
    for infusion in infusions:
        version, patient, closed_row = (getattr(infusion, name) for name in facts)
        fit = rules.fit_recorded(
            given_on=infusion.given_on,
            recorded_on=infusion.recorded_on,
            recorded_at=infusion.recorded_at,
            undo_for=UNDO_FOR,
            now=now,
        )
        if fit:
            yield Wanted(
                patient,
                infusion.course_id,
                version,
                fit,
                closed_row,
                {"infusion_id": infusion.pk},
            )


@dataclass(frozen=True, slots=True)
class _Visit:
    """A visit, and what its patient was told of it last."""

    pk: int
    course_id: int
    patient: int
    due_version: int
    clinic_zone: str
    own_zone: str
    status: str
    starts_at: dt.datetime
    booked_at: dt.datetime
    told_by: int | None
    told_kind: str | None
    told_at: dt.datetime | None  # the time that was told
    unsure: bool  # a mail about it may or may not have arrived
    taken_back: bool  # another mail has said since that this time no longer stands

    @property
    def known_at(self) -> dt.datetime | None:
        """When the patient believes it is; None when they know of none."""
        return None if self.told_kind == Kind.CANCELLED else self.told_at

    def starts_on(self, moment: dt.datetime | None = None) -> dt.date:
        """Its date by the clinic's clock."""
        return (moment or self.starts_at).astimezone(rules.zone_of(self.clinic_zone)).date()


@dataclass(frozen=True, slots=True)
class News:
    """What the planner makes of visits: mails to add, and courses where it is too early to say."""

    wanted: list[Wanted]
    waiting: set[int]


def about_visits(
    courses: CourseQuerySet, now: dt.datetime, *, only: Collection[int] | None = None
) -> News:
    """The mails that tell of visits booked, moved or cancelled at `now` (aware UTC)."""
    by_course = defaultdict(list)
    for visit in _visits(courses, now, only):
        by_course[visit.course_id].append(visit)
    waiting = {pk for pk, visits in by_course.items() if any(one.unsure for one in visits)}
    wanted = [
        one for pk, visits in by_course.items() if pk not in waiting for one in _news(visits, now)
    ]
    return News(_without_row(wanted), waiting)


def told_meanwhile() -> QuerySet[Reminder]:
    """Of a mail that confirms a visit: another one that told its time before it could go."""
    return Reminder.objects.filter(
        appointment=OuterRef("appointment"),
        recipient=OuterRef("recipient"),
        visit_at=OuterRef("visit_at"),
        kind__in=(Kind.PREPARE, Kind.DAY_BEFORE, Kind.CHANGED),
        state__in=SENT,
    )


def _is_about(courses: CourseQuerySet, only: Collection[int] | None) -> Q:
    """The condition on what belongs to a course: to one of `courses`, and of `only` (ids).

    Not "in", because SQLite would list all courses first; but where a few are named it should
    begin with these.
    """
    found = Q(Exists(courses.filter(pk=OuterRef("course_id"))))
    return found if only is None else found & Q(course__in=only)


def _visits(
    courses: CourseQuerySet, now: dt.datetime, only: Collection[int] | None
) -> Iterator[_Visit]:
    mails = Reminder.objects.filter(
        appointment=OuterRef("pk"), recipient=PATIENT, kind__in=TELLS_A_VISIT
    )
    # Brought, or given up: either way people know.
    corrections = Reminder.objects.filter(
        corrects=OuterRef("told_by"), recipient=PATIENT, state__in=(*SENT, *TO_CHECK)
    )
    told = mails.filter(state__in=(State.ACCEPTED, State.DELIVERED)).order_by("-accepted_at", "-pk")
    found = (
        Appointment.objects.filter(_is_about(courses, only))
        .filter(status__in=(AppointmentStatus.BOOKED, AppointmentStatus.CANCELLED))
        .annotate(
            patient=F("course__patient_id"),
            due_version=F("course__due_version"),
            clinic_zone=F("course__patient__clinic__time_zone"),
            own_zone=F("course__patient__time_zone"),
            told_by=Subquery(told.values("pk")[:1]),
            told_kind=Subquery(told.values("kind")[:1]),
            told_at=Subquery(told.values("visit_at")[:1]),
            unsure=Exists(mails.filter(state__in=(State.ON_WIRE, State.IN_DOUBT))),
        )
        .annotate(taken_back=Exists(corrections))
        .order_by("starts_at", "pk")
        .values_list(*(one.name for one in fields(_Visit)))
    )
    return (visit for visit in (_Visit(*row) for row in found) if _ahead(visit, now))


def _ahead(visit: _Visit, now: dt.datetime) -> bool:
    return visit.starts_at > now or (visit.told_at is not None and visit.told_at > now)


def _news(visits: list[_Visit], now: dt.datetime) -> Iterator[Wanted]:
    """What is to be told about the visits of one course, in their order.

    A visit that was cancelled and booked anew is one that moved.
    """
    booked = [one for one in visits if one.status == AppointmentStatus.BOOKED]
    new = [one for one in booked if one.known_at is None and one.starts_at > now]
    cancelled = [one for one in visits if one.status == AppointmentStatus.CANCELLED]
    off = [one for one in cancelled if one.known_at and not one.taken_back]
    for visit in booked:
        if visit.known_at and visit.known_at != visit.starts_at:
            yield from _changed(visit, visit, now)
    while off and new:
        yield from _changed(new.pop(0), off.pop(0), now)
    for visit in off:
        yield from _cancelled(visit, now)
    for visit in new:
        yield from _booked(visit, now)


def _booked(visit: _Visit, now: dt.datetime) -> Iterator[Wanted]:
    fit = rules.fit_booked(
        visit_on=visit.starts_on(),
        booked_at=visit.booked_at,
        undo_for=UNDO_FOR,
        now=now,
        zone=rules.zone_of(visit.own_zone or visit.clinic_zone),
    )
    if fit:
        yield _wanted(visit, fit, visit_at=visit.starts_at)


def _changed(visit: _Visit, told: _Visit, now: dt.datetime) -> Iterator[Wanted]:
    fit = rules.fit_visit_news(
        Kind.CHANGED,
        visit_on=visit.starts_on(),
        until=visit.starts_at,
        undo_for=UNDO_FOR,
        now=now,
    )
    if fit:
        yield _wanted(visit, fit, visit_at=visit.starts_at, corrects_id=told.told_by)


def _cancelled(visit: _Visit, now: dt.datetime) -> Iterator[Wanted]:
    told_at = visit.told_at
    assert told_at is not None  # noqa: S101 - the caller looked
    fit = rules.fit_visit_news(
        Kind.CANCELLED,
        visit_on=visit.starts_on(told_at),
        until=told_at,
        undo_for=UNDO_FOR,
        now=now,
    )
    if fit:
        yield _wanted(visit, fit, visit_at=told_at, corrects_id=visit.told_by)


def _wanted(visit: _Visit, fit: rules.Fit, **told: Any) -> Wanted:  # noqa: ANN401 - fields of the row
    facts = {"appointment_id": visit.pk} | told
    return Wanted(visit.patient, visit.course_id, visit.due_version, fit, None, facts)


def _without_row(wanted: list[Wanted]) -> list[Wanted]:
    """Those that no row speaks for; with the closed row, where there is one to be opened again."""
    about = Reminder.objects.filter(
        course__in={one.course_id for one in wanted},
        kind__in=(Kind.BOOKED, Kind.CHANGED, Kind.CANCELLED),
        recipient=PATIENT,
        resend_of=None,
    )
    closed = set(about.filter(REOPENABLE).values_list("pk", flat=True))
    rows: dict[object, int] = {
        (row.kind, row.corrects_id or row.visit_at, row.course_id): row.pk for row in about
    }
    found = []
    for one in wanted:
        mark = one.refers_to.get("corrects_id") or one.refers_to["visit_at"]
        row = rows.get((one.fit.kind, mark, one.course_id))
        if row is None:
            found.append(one)
        elif row in closed:
            found.append(replace(one, closed_row=row))
    return found
