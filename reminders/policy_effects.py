"""What another policy would change, counted before it is saved.

People are counted in groups: everybody with the same due date, the same step and the same mails
behind them gets the same mails from now on. So the work grows with the number of due dates in use
and not with that of patients, and nobody's record is loaded.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate

from ocrevus_tracker.accounts.models import Clinic
from schedules.models import Appointment, CourseQuerySet

from . import policy_rules, rules
from .consent import refuses
from .models import PATIENT, REOPENABLE, STOPPABLE, Preference, Reminder
from .outbox.corrections import owed
from .outbox.windows import undecided, visits_that_count
from .policies import rules_of
from .policy_rules import Rows
from .rules import Rule
from .stopping import open_to_mail

DUE_KINDS = tuple(kind for kind in policy_rules.LIMITS if rules.RULES[kind].anchor == "due")
VISIT_KINDS = tuple(kind for kind in policy_rules.LIMITS if rules.RULES[kind].anchor == "visit")


@dataclass(frozen=True, slots=True)
class Effects:
    """How many people would get other mails than now, and how many mails go out on the clinic's
    next day, as things are and as they would be. Copies to helpers are not counted.
    """

    people: int
    tomorrow_now: int
    tomorrow_then: int

    @property
    def more(self) -> int:
        return self.tomorrow_then - self.tomorrow_now

    @property
    def fewer(self) -> int:
        return -self.more


@dataclass(frozen=True, slots=True)
class _Group:
    """So many people whose anchor lies `offset` days before the first day to look at (negative:
    after it), and to whom `done` will not be said again.
    """

    step: str
    offset: int
    done: frozenset[str]
    people: int

    def coming(self, policy: Sequence[Rule], kinds: Sequence[str]) -> dict[str, int]:
        """The mails of `kinds` still to come: each on which day, counted from the first one."""
        return {
            rule.kind: max(rule.first_day - self.offset, 0)
            for rule in policy
            if rule.kind in kinds
            and rule.kind not in self.done
            and (not self.step or self.step in rule.steps)
            and rule.last_day >= self.offset
        }


def effects(*, clinic: Clinic, rows: Rows, now: dt.datetime) -> Effects:
    """What saving `rows` at `now` (aware UTC) would change at `clinic`, if nothing else did."""
    before, after = rules_of(clinic), rules_of(clinic, rows)
    tomorrow = clinic.local_date(now) + dt.timedelta(days=1)
    at = rules.local_moment(tomorrow, 12, clinic.tz)
    people = now_out = then_out = 0
    for zone in _zones(clinic):
        courses = _open_courses(clinic, zone, at)
        for kinds, groups in (
            (DUE_KINDS, _by_due_date(courses, zone, clinic, at)),
            (VISIT_KINDS, _by_visit(courses, zone, clinic, at)),
        ):
            for group in groups:
                was, will_be = group.coming(before, kinds), group.coming(after, kinds)
                people += group.people * (was != will_be)
                now_out += group.people * list(was.values()).count(0)
                then_out += group.people * list(will_be.values()).count(0)
    return Effects(people, now_out, then_out)


def _zones(clinic: Clinic) -> list[str]:
    """The time zones of the clinic's patients; empty for its own."""
    return list(clinic.patients.order_by().values_list("time_zone", flat=True).distinct())


def _open_courses(clinic: Clinic, zone: str, at: dt.datetime) -> CourseQuerySet:
    here = open_to_mail({clinic.local_date(at): [clinic.time_zone]})
    return here.filter(patient__clinic=clinic, patient__time_zone=zone)


def _by_due_date(
    courses: CourseQuerySet, zone: str, clinic: Clinic, at: dt.datetime
) -> Iterator[_Group]:
    """People without a visit, as the planner sees them. Whoever has to hear first that a date was
    put right waits for that, under any policy.
    """
    told_first = [one.course_id for one in owed(courses, now=at, clinic=clinic)]
    waiting = (
        courses.filter(next_due_on__isnull=False)
        .exclude(Exists(visits_that_count(at)))
        .exclude(pk__in=told_first)
    )
    done = _done(DUE_KINDS, patient="patient", due_on=OuterRef("next_due_on"), visit_at=None)
    groups = waiting.annotate(**done).order_by().values_list("next_step", "next_due_on", *done)
    for step, due_on, *flags, people in groups.annotate(people=Count("pk")):
        yield _Group(step, _offset(due_on, zone, clinic, at), _named(DUE_KINDS, flags), people)


def _by_visit(
    courses: CourseQuerySet, zone: str, clinic: Clinic, at: dt.datetime
) -> Iterator[_Group]:
    """The next visit of each course, unless a clinician has to decide something first."""
    ahead = Appointment.objects.booked().filter(starts_at__gt=at)
    sooner = ahead.filter(course=OuterRef("course"), starts_at__lt=OuterRef("starts_at"))
    visits = (
        ahead.filter(course__in=courses)
        .exclude(Exists(sooner))
        .exclude(Exists(undecided(OuterRef("course"))))
        .annotate(day=TruncDate("starts_at", tzinfo=clinic.tz))
    )
    done = _done(VISIT_KINDS, patient="course__patient", visit_at=OuterRef("starts_at"))
    groups = visits.annotate(**done).order_by().values_list("day", *done)
    for day, *flags, people in groups.annotate(people=Count("pk")):
        yield _Group("", _offset(day, zone, clinic, at), _named(VISIT_KINDS, flags), people)


def _offset(anchor: dt.date, zone: str, clinic: Clinic, at: dt.datetime) -> int:
    return (at.astimezone(ZoneInfo(zone or clinic.time_zone)).date() - anchor).days


def _done(kinds: Sequence[str], *, patient: str, **facts: object) -> dict[str, Q]:
    """For each kind whether it is over for a person: it went or did not get through, about these
    facts, or they stopped it. Rows that wait, or may be opened again, are mails to come.
    """
    rows = Reminder.objects.filter(patient=OuterRef(patient), recipient=PATIENT, **facts)
    said = rows.exclude(REOPENABLE).exclude(state__in=STOPPABLE)
    return {
        f"done_{number}": Q(Exists(said.filter(kind=kind))) | Q(Exists(_refusal(kind, patient)))
        for number, kind in enumerate(kinds)
    }


def _refusal(kind: str, patient: str) -> QuerySet[Preference]:
    return Preference.objects.filter(refuses(kind), patient=OuterRef(patient))


def _named(kinds: Sequence[str], flags: Sequence[bool]) -> frozenset[str]:
    return frozenset(kind for kind, flag in zip(kinds, flags, strict=True) if flag)
