"""Which rows there should be: void ones closed, missing ones added, in statements over sets.

Nothing here asks "is it today?". Each rule looks for the dates whose window holds this moment, so
a day without a worker is made up for by the next pass, with the reminder that fits then.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import TruncDate

from ocrevus_tracker.accounts.models import Clinic
from reminders import policies, rules
from reminders.facts import undecided, visits_that_count
from reminders.models import (
    PATIENT,
    REOPENABLE,
    STOPPABLE,
    WAITING,
    Heartbeat,
    Kind,
    Reminder,
    State,
    is_true_on,
)
from reminders.stopping import Days, clinic_days, open_to_mail
from schedules.models import (
    UNDO_FOR,
    Appointment,
    Course,
    CourseQuerySet,
    Disposition,
    Infusion,
    Patient,
)

from .corrections import Owed, owed


@dataclass(frozen=True, slots=True)
class Place:
    """Patients who share a wall clock and a clinic's numbers; each is planned by one query."""

    own_zone: str  # the patient's own, empty when they go by the clinic's
    clinic_zone: str
    booking_opens_days: int
    late_after_days: int
    # For a clinic with a policy of its own: which one, its rows, and from when on they hold.
    clinic_id: int | None = None
    rows: tuple[tuple[str, int], ...] | None = None
    starts_at: dt.datetime | None = None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.own_zone or self.clinic_zone)

    @property
    def rules(self) -> tuple[rules.Rule, ...]:
        return rules.policy_for(
            booking_opens_days=self.booking_opens_days,
            late_after_days=self.late_after_days,
            rows=None if self.rows is None else dict(self.rows),
        )

    def moment(self, kind: str, now: dt.datetime) -> dt.datetime:
        """The moment to plan `kind` for: what a new policy changed waits for the next day. The
        day before a visit cannot wait.
        """
        if self.starts_at is None or kind == Kind.DAY_BEFORE:
            return now
        return max(now, self.starts_at)

    def courses(self, now: dt.datetime) -> CourseQuerySet:
        """Those here that are open to mail at `now` (aware)."""
        today = now.astimezone(ZoneInfo(self.clinic_zone)).date()
        here = open_to_mail({today: [self.clinic_zone]}).filter(patient__time_zone=self.own_zone)
        if self.clinic_id is not None:
            return here.filter(patient__clinic=self.clinic_id)
        return here.filter(
            patient__clinic__policies=None,
            patient__clinic__time_zone=self.clinic_zone,
            patient__clinic__booking_opens_days=self.booking_opens_days,
            patient__clinic__late_after_days=self.late_after_days,
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A reminder that should exist and does not, or was closed (`closed_row`) and fits again."""

    course_id: int
    due_version: int
    fit: rules.Fit
    closed_row: int | None
    refers_to: dict[str, object] = field(default_factory=dict)
    waits_for: dt.datetime | None = None

    def fields(self, now: dt.datetime) -> dict[str, object]:
        return {
            "due_version": self.due_version,
            "next_at": max(now, self.fit.not_before, self.waits_for or now),
            "not_after": self.fit.not_after,
            **self.refers_to,
        }


def plan(*, now: dt.datetime) -> int:
    """Close the rows that are void and add those that `now` (aware UTC) calls for.

    Returns how many were added or opened again. Doing it twice does nothing the second time.
    """
    _close_void_rows(now)
    wanted = list(missing(now=now))
    patients = dict(
        Course.objects.filter(pk__in=[one.course_id for one in wanted]).values_list(
            "pk", "patient_id"
        )
    )
    new = [one for one in wanted if one.closed_row is None]
    Reminder.objects.bulk_create(
        [
            Reminder(
                course_id=one.course_id,
                patient_id=patients[one.course_id],
                kind=one.fit.kind,
                due_on=one.fit.due_on,
                recipient=PATIENT,
                **one.fields(now),
            )
            for one in new
        ],
        batch_size=500,
        ignore_conflicts=True,
    )
    for one in wanted:
        if one.closed_row is not None:
            _open_again(one.closed_row, one, now)
    Heartbeat.beat(planned_at=now)
    return len(wanted)


def missing(*, now: dt.datetime) -> Iterator[Wanted]:
    """The reminders that the facts call for at `now` and that have no live row."""
    days = clinic_days(now)
    put_right = list(owed(now=now, days=days))
    yield from _about_moves(put_right)
    # Whoever believes in another date hears that it was put right before anything else about it.
    told_first = {one.course_id for one in put_right}
    for one in _about_facts(now, days):
        about_visit = rules.RULES[one.fit.kind].anchor == "visit"
        if about_visit or one.course_id not in told_first:
            yield one


def _about_facts(now: dt.datetime, days: Days) -> Iterator[Wanted]:
    for place in _places():
        for rule in place.rules:
            moment = place.moment(rule.kind, now)
            if rule.anchor == "due":
                yield from _about_due_dates(place, rule, moment)
            elif rule.anchor == "visit":
                yield from _about_visits(place, rule, moment)
    yield from _about_records(now, days)


def _close_void_rows(now: dt.datetime) -> None:
    """No consent or address: SUPPRESSED. Date moved, course stopped or held: CANCELLED. Late:
    EXPIRED.
    """
    stoppable = Reminder.objects.filter(state__in=STOPPABLE)
    course = Course.objects.filter(pk=OuterRef("course_id"))
    unwanted = course.exclude(patient__wants_reminders=True, patient__email__gt="")
    stoppable.filter(Exists(unwanted)).update(state=State.SUPPRESSED)
    stoppable.filter(~is_true_on(clinic_days(now))).update(state=State.CANCELLED)
    waiting = Reminder.objects.filter(state__in=WAITING)
    waiting.filter(not_after__lte=now).update(state=State.EXPIRED)


def _open_again(pk: int, one: Wanted, now: dt.datetime) -> None:
    Reminder.objects.filter(REOPENABLE, pk=pk).update(state=State.PLANNED, **one.fields(now))


def _places() -> set[Place]:
    """The wall clocks in use. Clinics are few; of the patients only those with their own zone."""
    numbers = ("booking_opens_days", "late_after_days")
    clinics = Clinic.objects.values_list("pk", "time_zone", *numbers)
    own = (
        Patient.objects.exclude(time_zone="")
        .order_by()
        .values_list(
            "clinic", "time_zone", "clinic__time_zone", *(f"clinic__{name}" for name in numbers)
        )
        .distinct()
    )
    in_use = policies.versions_in_use()
    found = [(pk, "", *row) for pk, *row in clinics] + [tuple(row) for row in own]
    return {_under(in_use.get(pk), Place(*row), pk) for pk, *row in found}


def _under(policy: policies.InUse | None, place: Place, clinic_id: int) -> Place:
    if policy is None:
        return place
    rows = tuple(sorted(policy.rows.items()))
    return replace(place, clinic_id=clinic_id, rows=rows, starts_at=policy.starts_at)


def _about_due_dates(place: Place, rule: rules.Rule, now: dt.datetime) -> Iterator[Wanted]:
    """Courses without a booked visit whose due date has `rule`'s window open."""
    today = now.astimezone(place.zone).date()
    courses = (
        place.courses(now)
        .due_between(*rules.anchors_on(rule, today))
        .exclude(Exists(visits_that_count(now)))
        .filter(next_step__in=rule.steps)
    )
    rows = _without_live_row(courses, rule.kind, course="pk", due_on="next_due_on")
    found = rows.values_list("pk", "due_version", "next_due_on", "closed_row")
    for pk, version, due_on, closed_row in found:
        if fit := rules.fit(rule, anchor_on=due_on, now=now, zone=place.zone):
            yield Wanted(pk, version, fit, closed_row, waits_for=place.starts_at)


def _about_visits(place: Place, rule: rules.Rule, now: dt.datetime) -> Iterator[Wanted]:
    """Booked visits for which `rule`'s window is open. A visit's date is the clinic's.

    None while a clinician has to decide first: the patient's page names no date either then.
    """
    first, last = rules.anchors_on(rule, now.astimezone(place.zone).date())
    clinic_zone = ZoneInfo(place.clinic_zone)
    midnights = (
        rules.local_moment(first, 0, clinic_zone),
        rules.local_moment(last + dt.timedelta(days=1), 0, clinic_zone),
    )
    visits = (
        Appointment.objects.booked()
        .filter(starts_at__gte=midnights[0], starts_at__lt=midnights[1], starts_at__gt=now)
        .filter(course__in=place.courses(now))
        .exclude(Exists(undecided(OuterRef("course"))))
        .annotate(day=TruncDate("starts_at", tzinfo=clinic_zone))
    )
    rows = _without_live_row(
        visits, rule.kind, course="course_id", due_on="day", visit_at=OuterRef("starts_at")
    )
    version_of = "course__due_version"
    found = rows.values_list("pk", "course_id", version_of, "starts_at", "day", "closed_row")
    for pk, course_id, version, starts_at, day, closed_row in found:
        if fit := rules.fit(rule, anchor_on=day, now=now, zone=place.zone):
            told = {"appointment_id": pk, "visit_at": starts_at}
            waits_for = place.starts_at if rule.kind != Kind.DAY_BEFORE else None
            yield Wanted(course_id, version, fit, closed_row, told, waits_for)


def _about_records(now: dt.datetime, days: Days) -> Iterator[Wanted]:
    """Infusions just recorded, the latest of their course, with a next date to tell.

    After one to be repeated the date may be past: then the book and overdue mails speak. After
    one whose rest is still to come the next visit is not the next due date. One given elsewhere
    is nothing to thank for, and nobody is thanked twice because a record was put right.
    """
    later = Infusion.objects.counting().filter(
        course=OuterRef("course_id"), given_on__gt=OuterRef("given_on")
    )
    thanked = Reminder.objects.filter(kind=Kind.RECORDED, infusion=OuterRef("pk"))
    infusions = (
        Infusion.objects.counting()
        .filter(~Exists(later), recorded_at__gt=now - rules.RECORDED_USEFUL_FOR)
        .filter(course__in=open_to_mail(days), course__next_due_on__gt=F("given_on"))
        .filter(elsewhere=False)
        .exclude(disposition=Disposition.COMPLETE_REMAINDER)
        .exclude(Exists(thanked.exclude(REOPENABLE)))
    )
    rows = _without_live_row(infusions, "recorded", course="course_id", due_on="given_on")
    for infusion in rows.annotate(version=F("course__due_version")):
        fit = rules.fit_recorded(
            given_on=infusion.given_on,
            recorded_on=infusion.recorded_on,
            recorded_at=infusion.recorded_at,
            undo_for=UNDO_FOR,
            now=now,
        )
        if fit:
            facts = {"infusion_id": infusion.pk}
            yield Wanted(infusion.course_id, infusion.version, fit, infusion.closed_row, facts)


def _about_moves(put_right: list[Owed]) -> Iterator[Wanted]:
    for one in put_right:
        if one.fit:
            told: dict[str, object] = {"date_move_id": one.move_id, "corrects_id": one.corrects_id}
            yield Wanted(one.course_id, one.due_version, one.fit, one.closed_row, told)


def _without_live_row(
    facts: QuerySet[Any],
    kind: str,
    *,
    course: str,
    due_on: str,
    visit_at: OuterRef | None = None,
) -> QuerySet[Any]:
    """The `facts` that no row speaks for; `closed_row` is one that may be opened again.

    A row of another course of the same person speaks too: a change of regimen repeats nothing.
    """
    of_patient = "patient" if course == "pk" else "course__patient"
    rows = Reminder.objects.filter(
        course__patient=OuterRef(of_patient),
        kind=kind,
        due_on=OuterRef(due_on),
        visit_at=visit_at,
        recipient=PATIENT,
    )
    closed = rows.filter(REOPENABLE, course=OuterRef(course))
    missing_here: QuerySet[Any] = facts.annotate(closed_row=Subquery(closed.values("pk")[:1]))
    return missing_here.exclude(Exists(rows.exclude(REOPENABLE)))
