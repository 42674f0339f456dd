"""Who needs screening: people with a hard check open before a dose of the next weeks.

The database's spelling of what `schedules.readiness` says of one course; a test holds the two
against each other.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_

from django.db.models import Case, Count, DateField, Exists, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Greatest, TruncDate
from django.db.models.lookups import LessThan, LessThanOrEqual

from ocrevus_tracker.accounts.models import Clinic
from schedules.engine.screening import CHECKS, Check, checks_before
from schedules.models import (
    Appointment,
    AppointmentQuerySet,
    CheckInterval,
    Course,
    CourseQuerySet,
    Infusion,
    Restart,
    Screening,
    ScreeningQuerySet,
    held_on,
)
from schedules.readiness import Standing, dose_day, standings

SOON = dt.timedelta(weeks=6)
NEVER = Value(dt.date.min, output_field=DateField())


def courses_to_screen(days: Mapping[Clinic, dt.date]) -> CourseQuerySet:
    """The courses of each clinic on its own local date, the soonest dose first.

    People with no date yet are among them: they wait for their checks alone.
    """
    chosen: dict[int, dict[str, bool]] = defaultdict(dict)
    for one in CheckInterval.objects.filter(clinic__in=list(days)):
        chosen[one.clinic_id][one.check_code] = one.in_use
    wanted = (
        _soon(clinic, today) & _waits(today, chosen[clinic.pk]) for clinic, today in days.items()
    )
    dated = Course.objects.open().alias(dose_on=_by_clinic(days), last_on=_last_on())
    return (
        dated.filter(reduce(or_, wanted))
        .order_by(F("dose_on"), "pk")
        .select_related("continues")
        .prefetch_related(
            "infusions",
            "holds",
            "restarts",
            "appointments",
            "patient__screenings",
            "patient__clinic__check_intervals",
        )
    )


def open_checks(course: Course, today: dt.date) -> list[Standing]:
    """What put `course` on the list, in the order to show."""
    forecast = course.forecast(today)
    found = standings(course, forecast, on=dose_day(course, forecast, today))
    # What is looked at on the day itself cannot be open weeks before.
    return [one for one in found if one.blocks and (one.status == "not_clear" or _lasts(one.check))]


def _lasts(check: Check) -> bool:
    return check.valid_for is None


def _soon(clinic: Clinic, today: dt.date) -> Q:
    """With a dose in the next weeks, booked or due, and nothing that holds it back."""
    dated = Q(next_due_on__isnull=False) | Q(Exists(_ahead(clinic, today)))
    coming = dated & Q(LessThanOrEqual(F("dose_on"), today + SOON))
    new = Q(started_on=None, next_due_on=None)
    return Q(patient__clinic=clinic) & (coming | new) & ~Q(held_on(today))


def _ahead(clinic: Clinic, today: dt.date) -> AppointmentQuerySet:
    begins = dt.datetime.combine(today, dt.time(), clinic.tz)
    booked = Appointment.objects.booked().filter(course=OuterRef("pk"), starts_at__gte=begins)
    return booked.order_by("starts_at")


def _by_clinic(days: Mapping[Clinic, dt.date]) -> Case:
    """When the next dose is booked, else when it is due, never past."""
    return Case(
        *(When(patient__clinic=one, then=_dose_on(one, today)) for one, today in days.items()),
        output_field=DateField(),
    )


def _dose_on(clinic: Clinic, today: dt.date) -> Coalesce:
    now = Value(today, output_field=DateField())
    booked = _ahead(clinic, today).values(day=TruncDate("starts_at", tzinfo=clinic.tz))[:1]
    return Coalesce(Subquery(booked), Greatest(Coalesce("next_due_on", now), now))


def _last_on() -> Coalesce:
    """The last infusion, also one under the regimen before (A13)."""
    ours = Q(course=OuterRef("pk")) | Q(course__continued_by=OuterRef("pk"))
    given = Infusion.objects.counting().filter(ours).order_by("-given_on")
    return Coalesce(Subquery(given.values("given_on")[:1]), NEVER)


def _waits(today: dt.date, chosen: Mapping[str, bool]) -> Q:
    """Whether a check speaks against the dose, or one that is due is not settled on its day."""
    left_out = [code for code, in_use in chosen.items() if not in_use]
    asked = [code for code, in_use in chosen.items() if in_use]
    first = _settling(checks_before(first=True, left_out=left_out))
    later = _settling(checks_before(first=False, left_out=left_out, chosen=asked))
    once = [check for check in later if not check.by_choice]
    every_dose = [check for check in later if check.by_choice]
    is_first = Q(next_step="initial-1") | Q(started_on=None, next_due_on=None)
    return (
        _speaks_against()
        | is_first & _lacks(first)
        | _starts_anew(today) & _lacks(first, since_last=True)
        | _lacks(once)
        | _lacks(every_dose, since_last=True)
    )


def _settling(checks: Sequence[Check]) -> list[Check]:
    return [check for check in checks if check.hard and _lasts(check)]


def _speaks_against() -> Q:
    """An infection before the last infusion is past; all else stands until there is better."""
    lasting = [check.code for check in CHECKS if check.hard and _lasts(check)]
    of_the_day = [check.code for check in CHECKS if check.hard and not _lasts(check)]
    since = Q(check_code__in=of_the_day, done_on__gt=OuterRef("last_on"))
    against = _answers().speaking_against()
    return Q(Exists(against.filter(Q(check_code__in=lasting) | since)))


def _lacks(checks: Sequence[Check], *, since_last: bool = False) -> Q:
    """Whether fewer than all of `checks` have an answer that holds on the day of the dose."""
    if not checks:
        return Q(pk__in=[])
    holds = Q(expires_on=None) | Q(expires_on__gte=OuterRef("dose_on"))
    if since_last:
        holds &= Q(done_on__gt=OuterRef("last_on"))
    held = _answers().filter(holds, check_code__in=[check.code for check in checks])
    counted = held.order_by().values("patient").annotate(n=Count("pk")).values("n")
    return Q(LessThan(Coalesce(Subquery(counted), 0), len(checks)))


def _answers() -> ScreeningQuerySet:
    return Screening.objects.newest().filter(patient=OuterRef("patient"))


def _starts_anew(today: dt.date) -> Q:
    """After a lapse the baseline is run again (R13)."""
    chosen = Restart.objects.filter(
        course=OuterRef("pk"), voided_at=None, chosen_on__gt=OuterRef("last_on")
    )
    return Q(lapses_on__lte=today) | Q(Exists(chosen))
