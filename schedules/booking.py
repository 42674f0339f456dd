"""Which day a page offers for a visit, and what it says where the clinic is closed (R16).

Nothing here refuses and no due date moves: what counts clinically is the day of the infusion.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.models import Clinic
from schedules.clinic_calendar import ClinicCalendar
from schedules.engine.dates import add_days
from schedules.engine.forecast import NextDose
from schedules.engine.history import Infusion
from schedules.engine.open_days import nearest_open_day
from schedules.engine.regimens import MAINTENANCE
from schedules.models import Appointment, Course
from schedules.templatetags.tracker import long_date

# A window is four weeks wide and the day in question may lie at either end of it.
SEARCHED = dt.timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Offer:
    """The open day for a visit that was wanted on `wanted`; none where all are closed.

    `notes` are sentences for the page, without any question.
    """

    wanted: dt.date
    day: dt.date | None
    notes: tuple[str, ...]


def calendar_around(clinic: Clinic, day: dt.date) -> ClinicCalendar:
    """The clinic's calendar as far as an offer for `day`, a local date, looks."""
    return ClinicCalendar.of(clinic, day - SEARCHED, day + SEARCHED)


def dose_to_book(course: Course, visits: Sequence[Appointment], today: dt.date) -> NextDose | None:
    """The dose that the next visit would be for; `visits` are those booked from `today` on.

    The second part of a first dose once a visit for the first part is booked. None before an
    order, once lapsed and in a hold without an end: no day can be offered there.
    """
    found = course.forecast(today)
    dose = found.next
    if dose is None or not found.projected:
        return None
    if visits and dose.step == "initial-1":
        first = visits[0].local_date
        parts = len(found.regimen.initial)
        given = Infusion(first, dose.dose_mg)
        return course.forecast(first, and_also=[given]).next if parts > 1 else None
    held_until = found.projected[0]
    if dose.due >= today and held_until > dose.due:  # R9, R10: a hold that ends after the due date
        return replace(
            dose,
            earliest=held_until,
            window_end=max(dose.window_end or held_until, add_days(held_until, MAINTENANCE.late)),
        )
    return dose


def offer_for_dose(dose: NextDose, clinic: Clinic, today: dt.date) -> Offer | None:
    """The due day, or the nearest open one inside the window (R16); None once the day is past."""
    wanted = max(dose.due, dose.earliest)
    if wanted < today:
        return None
    calendar = calendar_around(clinic, wanted)
    day = nearest_open(wanted, dose, today=today, calendar=calendar)
    on_due_day = wanted == dose.due
    why = _beside_due_day(dose, day, calendar) if on_due_day else closed_day(wanted, day, calendar)
    return Offer(wanted, day, _notes(why, wanted, day, calendar))


def offer_for_visit(
    booked_on: dt.date, dose: NextDose | None, clinic: Clinic, today: dt.date
) -> Offer:
    """The day of a visit to be moved, or the nearest open one where that day has become closed."""
    if booked_on < today:
        return Offer(booked_on, booked_on, ())
    calendar = calendar_around(clinic, booked_on)
    day = nearest_open(booked_on, dose, today=today, calendar=calendar)
    why = closed_day(booked_on, day, calendar)
    return Offer(booked_on, day, _notes(why, booked_on, day, calendar))


def nearest_open(
    wanted: dt.date, dose: NextDose | None, *, today: dt.date, calendar: ClinicCalendar
) -> dt.date | None:
    """R16 for any `wanted` day: inside the dose's window if that day is, else within two weeks."""
    first, last = add_days(wanted, -MAINTENANCE.early), add_days(wanted, MAINTENANCE.late)
    earliest = dose.earliest if dose and dose.earliest <= wanted else first
    if dose and dose.window_start and dose.window_end:
        inside = dose.window_start <= wanted <= dose.window_end
        first, last = (dose.window_start, dose.window_end) if inside else (first, last)
    return nearest_open_day(
        wanted,
        earliest=max(earliest, today),
        window_start=first,
        window_end=last,
        is_open=calendar.is_open,
    )


def closed_day(day: dt.date, other: dt.date | None, calendar: ClinicCalendar) -> str:
    """Why `day` is no good, and which one is; empty where the clinic is open on `day`."""
    why = calendar.why_closed(day)
    if not why:
        return ""
    if other is None:
        told = _("The clinic is closed on {date}: {why}. No day near it is open.")
        return told.format(date=long_date(day), why=why)
    # R16 prefers a later day, so only an earlier one is sure to be the nearest.
    told = (
        _("The clinic is closed on {date}: {why}. The next open day is {day}.")
        if other > day
        else _("The clinic is closed on {date}: {why}. The nearest open day is {day}.")
    )
    return told.format(date=long_date(day), why=why, day=long_date(other))


def near_day_off(
    day: dt.date, calendar: ClinicCalendar, *, told_of: dt.date | None = None
) -> list[str]:
    """A sentence for each closure or holiday on the day before or after `day`, but for the day
    that was `told_of` already.
    """
    beside = (add_days(day, -1), add_days(day, 1))
    told = _("Near a day off: the clinic is closed on {date} ({why}).")
    named = [(one, calendar.day_off(one)) for one in beside if one != told_of]
    return [told.format(date=long_date(one), why=why) for one, why in named if why]


def _beside_due_day(dose: NextDose, day: dt.date | None, calendar: ClinicCalendar) -> str:
    """What the page says where the clinic is closed on the due day; empty where it is open."""
    why = calendar.why_closed(dose.due)
    if not why:
        return ""
    if day is None:
        told = _(
            "The due date, {due}, stays as it is. The clinic is closed that day ({why}) and on "
            "all other days of the window, so no day is offered."
        )
    elif day > dose.due:
        told = _(
            "The due date, {due}, stays as it is. The clinic is closed that day ({why}), so the "
            "next open day is offered."
        )
    else:
        told = _(
            "The due date, {due}, stays as it is. The clinic is closed that day ({why}) and to "
            "the end of the window, so the last open day before it is offered."
        )
    return told.format(due=long_date(dose.due), why=why)


def _notes(
    why: str, wanted: dt.date, day: dt.date | None, calendar: ClinicCalendar
) -> tuple[str, ...]:
    beside = near_day_off(day, calendar, told_of=wanted) if day else []
    return (why, *beside) if why else tuple(beside)
