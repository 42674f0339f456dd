"""The staff's work lists: who needs something today, as rows for a page.

Each list is one query over all clinics a person works at, each clinic on its own local date.
Stopped courses are on no list.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import (
    Case,
    Exists,
    F,
    Min,
    OuterRef,
    Prefetch,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import TruncDate
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ocrevus_tracker.accounts.models import Clinic
from schedules.models import (
    Appointment,
    AppointmentQuerySet,
    Course,
    CourseQuerySet,
    Disposition,
    Hold,
    HoldQuerySet,
    Infusion,
    InfusionQuerySet,
    Outcome,
    Patient,
    PatientRequest,
    RequestKind,
    Restart,
    RestartChoice,
    held_on,
)
from schedules.presenting.rules import BOOK_NOW_DAYS
from schedules.screening_list import courses_to_screen, open_checks
from schedules.templatetags.tracker import clock

LISTS = {
    "today": gettext_lazy("Today"),
    "late": gettext_lazy("Late"),
    "due": gettext_lazy("Due, not booked"),
    "screening": gettext_lazy("Needs screening"),
    "check": gettext_lazy("To check"),
}
ROWS_PER_PAGE = 25


@dataclass(frozen=True, slots=True)
class Row:
    """One person on a list. `step` is the name of the page where the next step is done."""

    patient: Patient
    kind: str
    word: str
    due: dt.date | None
    booked: str
    step: str
    step_label: str


@dataclass(frozen=True, slots=True)
class ClinicDay:
    """A clinic's local date, and when it begins and ends (aware)."""

    clinic: Clinic
    today: dt.date
    begins: dt.datetime
    ends: dt.datetime

    @classmethod
    def at(cls, clinic: Clinic, now: dt.datetime) -> "ClinicDay":
        today = clinic.local_date(now)
        begins = dt.datetime.combine(today, dt.time(), clinic.tz)
        ends = dt.datetime.combine(today + dt.timedelta(days=1), dt.time(), clinic.tz)
        return cls(clinic, today, begins, ends)


def courses_on(name: str, clinics: Sequence[Clinic], now: dt.datetime) -> CourseQuerySet:
    """The courses on the list called `name` (a key of LISTS), first things first."""
    days = [ClinicDay.at(clinic, now) for clinic in clinics]
    if name == "screening":
        return courses_to_screen({day.clinic: day.today for day in days})
    wanted = Q(pk__in=[])
    for day in days:
        wanted |= Q(patient__clinic=day.clinic) & _WANTED[name](day)
    found = Course.objects.open().filter(wanted)
    if name == "check":
        # What a patient asks for has to be seen after the last infusion too.
        found = Course.objects.filter(Q(stopped_on=None) & wanted | _asked_by_patients(days))
    if name in {"late", "due"}:
        return found.unbooked().order_by(F("next_due_on").asc(nulls_last=True), "pk")
    since = Q(appointments__status="booked")
    if name == "check":
        found = found.annotate(to_check=_first_check(days))
    if name == "today":
        since &= Q(appointments__starts_at__gte=min(day.begins for day in days))
    return found.annotate(visit_at=Min("appointments__starts_at", filter=since)).order_by(
        F("visit_at").asc(nulls_last=True), "pk"
    )


def _visit_today(day: ClinicDay) -> Q:
    return Q(Exists(_booked().filter(starts_at__gte=day.begins, starts_at__lt=day.ends)))


def _past_due(day: ClinicDay) -> Q:
    """Nobody is late while on hold or on pause (R10)."""
    return Q(next_due_on__lt=day.today) & ~Q(held_on(day.today))


def _to_book(day: ClinicDay) -> Q:
    """Due from today to where booking opens; and people with no first date, lest they be lost."""
    last = day.today + dt.timedelta(days=day.clinic.booking_opens_days)
    soon = Q(next_due_on__range=(day.today, last)) | Q(started_on=None, next_due_on=None)
    return (soon | _to_start_anew(day)) & ~Q(held_on(day.today))


def _to_start_anew(_day: ClinicDay) -> Q:
    """R13: a first dose in two parts is chosen again, and its first part has not been given."""
    given = Infusion.objects.counting().filter(
        course=OuterRef("course"), given_on__gte=OuterRef("chosen_on")
    )
    chosen = Restart.objects.filter(
        course=OuterRef("pk"), choice=RestartChoice.SPLIT, voided_at=None
    )
    return Q(Exists(chosen.exclude(Exists(given))))


def _not_recorded(day: ClinicDay) -> Q:
    return Q(Exists(_booked().filter(starts_at__lt=day.begins)))


def _undecided(_day: ClinicDay) -> Q:
    return Q(Exists(_given().filter(outcome=Outcome.PARTIAL, disposition="")))


def _half_known(_day: ClinicDay) -> Q:
    """R15: a day or an order that somebody has to find out."""
    return Q(Exists(_given().exclude(day_known=True, ordinal_known=True)))


def _rest_awaited(_day: ClinicDay) -> Q:
    """R11: the last infusion was a part of a dose, and the rest has not been recorded yet."""
    last = _given().order_by("-given_on").values("disposition")[:1]
    return Q(Exact(Subquery(last), Value(Disposition.COMPLETE_REMAINDER)))


def _lapsed(day: ClinicDay) -> Q:
    """R8: so long since the last infusion that a prescriber chooses how to go on."""
    return Q(lapses_on__lte=day.today) & ~Q(held_on(day.today))


def _look_again(day: ClinicDay) -> Q:
    return Q(Exists(_holds().to_look_at(day.today)))


def _still_needed(day: ClinicDay) -> Q:
    return Q(Exists(_holds().forgotten(day.today)))


def _asks_for(kind: RequestKind) -> Callable[[ClinicDay], Q]:
    asked = PatientRequest.objects.filter(patient=OuterRef("patient"), kind=kind, closed_at=None)
    later = Course.objects.filter(patient=OuterRef("patient"), pk__gt=OuterRef("pk"))
    return lambda _day: Q(Exists(asked)) & ~Q(Exists(later))


def _asked_by_patients(days: Sequence[ClinicDay]) -> Q:
    """The newest course of each patient who waits for an answer, stopped or not."""
    asked = reduce(or_, (_asks_for(kind)(day) for kind in RequestKind for day in days[:1]))
    return Q(patient__clinic__in=[day.clinic for day in days]) & asked


def _visit_while_held(day: ClinicDay) -> Q:
    """R10: a visit that lies inside a hold, and that nobody has moved or cancelled yet."""
    ahead = _booked().filter(starts_at__gte=day.begins)
    over = Hold.objects.in_force(OuterRef("day")).filter(course=OuterRef("course"))
    on_day = ahead.annotate(day=TruncDate("starts_at", tzinfo=day.clinic.tz))
    return Q(Exists(on_day.filter(Exists(over))))


@dataclass(frozen=True, slots=True)
class Check:
    """What somebody has to look at: which courses, what their rows say, and where to do it."""

    wanted: Callable[[ClinicDay], Q]
    word: Any  # translated when it is shown
    step: str = "staff:patient"  # the name of a page about one patient


# The first that applies to a course is the one that its row says.
CHECKS = {
    "not_recorded": Check(_not_recorded, gettext_lazy("Visit not recorded")),
    "undecided": Check(_undecided, gettext_lazy("Stopped early: decide")),
    "half_known": Check(_half_known, gettext_lazy("History not complete")),
    "rest_awaited": Check(_rest_awaited, gettext_lazy("Rest of the infusion not recorded yet")),
    "lapsed": Check(_lapsed, gettext_lazy("Choose how to restart")),
    "visit_while_held": Check(_visit_while_held, gettext_lazy("Visit while on hold")),
    "look_again": Check(_look_again, gettext_lazy("Hold or pause: look again")),
    "still_needed": Check(_still_needed, gettext_lazy("Hold or pause: still needed?")),
    "asks_deletion": Check(
        _asks_for(RequestKind.DELETION), gettext_lazy("Asks to be deleted"), "reminders:requests"
    ),
    "asks_correction": Check(
        _asks_for(RequestKind.CORRECTION),
        gettext_lazy("Asks for a correction"),
        "reminders:requests",
    ),
}


def register_check(key: str, check: Check) -> None:
    """Put what another app watches on the list too, after all that is there. Twice is once."""
    CHECKS[key] = check


def _to_check(day: ClinicDay) -> Q:
    return reduce(or_, (check.wanted(day) for check in CHECKS.values()))


def _first_check(days: Sequence[ClinicDay]) -> Case:
    """The key in CHECKS that a course is on the list for."""
    return Case(
        *(
            When(Q(patient__clinic=day.clinic) & check.wanted(day), then=Value(key))
            for key, check in CHECKS.items()
            for day in days
        )
    )


def _booked() -> AppointmentQuerySet:
    return Appointment.objects.booked().filter(course=OuterRef("pk"))


def _holds() -> HoldQuerySet:
    return Hold.objects.filter(course=OuterRef("pk"))


def _given() -> InfusionQuerySet:
    return Infusion.objects.counting().filter(course=OuterRef("pk"))


_WANTED = {"today": _visit_today, "late": _past_due, "due": _to_book, "check": _to_check}


def counts(clinics: Sequence[Clinic], now: dt.datetime) -> dict[str, int]:
    """How many people are on each list."""
    return {name: courses_on(name, clinics, now).count() for name in LISTS}


def page_of(
    name: str, clinics: Sequence[Clinic], now: dt.datetime, *, count: int, number: str | None
) -> Page[Row]:
    """One page of the list called `name`, with rows in place of courses."""
    booked = Prefetch("appointments", Appointment.objects.booked(), to_attr="booked_visits")
    courses = (
        courses_on(name, clinics, now).select_related("patient__clinic").prefetch_related(booked)
    )
    paginator = Paginator(courses, ROWS_PER_PAGE)
    paginator.count = count  # known already, for the tab
    page: Page[Any] = paginator.get_page(number)
    page.object_list = [_row(name, course, now) for course in page]
    return page


def _row(name: str, course: Course, now: dt.datetime) -> Row:
    patient = course.patient
    today = patient.clinic.local_date(now)
    visits: list[Appointment] = course.booked_visits  # type: ignore[attr-defined]  # prefetched
    kind, word = _status(name, course, today)
    step, step_label = _step(name, course, today)
    return Row(
        patient=patient,
        kind=kind,
        word=word,
        due=course.next_due_on,
        booked=_booked_words(name, visits, patient.clinic, today),
        step=step,
        step_label=step_label,
    )


def _status(name: str, course: Course, today: dt.date) -> tuple[str, str]:
    """The tag's look and its word."""
    if name in {"late", "due"}:
        return _status_by_date(name, course.next_due_on, today)
    if name == "today":
        return "booked", _("Booked today")
    if name == "screening":
        return "book-now", _needed_words(course, today)
    check: str = course.to_check  # type: ignore[attr-defined]  # annotated
    return "neutral", str(CHECKS[check].word)


def _needed_words(course: Course, today: dt.date) -> str:
    """The first check that the dose waits for, and how many more there are."""
    first, *others = open_checks(course, today)
    told = _("Needed: {check}")
    if others:
        told = ngettext("Needed: {check} and {n} more", "Needed: {check} and {n} more", len(others))
    return told.format(check=first.check.title, n=len(others))


def _status_by_date(name: str, due: dt.date | None, today: dt.date) -> tuple[str, str]:
    """How late, or how soon to book."""
    if due is None:
        return "neutral", _("Getting ready to start")
    if name == "late":
        days = (today - due).days
        return "late", ngettext("Late {n} day", "Late {n} days", days).format(n=days)
    if (due - today).days <= BOOK_NOW_DAYS:
        return "book-now", _("Book now")
    return "time-to-book", _("Time to book")


def _step(name: str, course: Course, today: dt.date) -> tuple[str, str]:
    """The one next step: the page's name and the button's word."""
    lapsed = course.lapses_on is not None and today >= course.lapses_on
    if name == "today":
        return "staff:record", _("Record")
    if name == "check":
        return CHECKS[course.to_check].step, _("Review")  # type: ignore[attr-defined]  # annotated
    if name == "screening" or lapsed:
        return "staff:patient", _("Review")
    return "staff:book", _("Book")


def _booked_words(name: str, visits: Sequence[Appointment], clinic: Clinic, today: dt.date) -> str:
    """The visit that put the person on the list; a time alone for today's."""
    if not visits:
        return _("Not booked")
    by_day = [(clinic.local_date(visit.starts_at), visit) for visit in visits]
    with timezone.override(clinic.tz):
        if name == "today":
            return next(clock(visit.starts_at) for day, visit in by_day if day == today)
        day, visit = by_day[0]
        return f"{date_format(day, 'F j, Y')}, {clock(visit.starts_at)}"


def next_visit_day(clinics: Sequence[Clinic], now: dt.datetime) -> tuple[dt.date, int] | None:
    """The local date of the next booked visit, and how many people come that day."""
    ahead = Appointment.objects.booked().filter(
        course__patient__clinic__in=clinics, starts_at__gt=now
    )
    first = ahead.select_related("course__patient__clinic").order_by("starts_at").first()
    if first is None:
        return None
    day = ClinicDay.at(first.course.patient.clinic, first.starts_at)
    return day.today, ahead.filter(starts_at__lt=day.ends).count()
