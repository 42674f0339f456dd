"""Who has the ball for the next dose: a few lines in plain words, no results."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from schedules.engine.forecast import Forecast
from schedules.engine.screening import Part, Who
from schedules.models import Course
from schedules.readiness import (
    Standing,
    booked_ahead,
    dose_day,
    is_coming,
    monitoring,
    standings,
    starts_anew,
)

from .shapes import booking_opens

State = Literal["done", "waiting", "later"]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the strip. `who` has the ball while it is waiting; `when` says when its time
    comes while it is later.
    """

    title: str
    state: State
    who: Who = "clinic"
    when: str = ""


def readiness(course: Course | None, forecast: Forecast | None, today: dt.date) -> list[Step]:
    """The steps to the next dose in their order; none where no dose is coming."""
    if course is None or forecast is None or not is_coming(course, forecast, today):
        return []
    checks = standings(course, forecast, on=dose_day(course, forecast, today))
    # Months before a dose nobody is waiting for anybody.
    due = forecast.next.due if forecast.next else None
    opens = booking_opens(due, course.patient.clinic) if due else today
    wait = "" if opens <= today or starts_anew(forecast) else _from(opens)
    steps = [
        _of_checks(_("Insurance approval"), "approval", checks, wait),
        _blood_tests(course, forecast, checks, today),
        _of_checks(_("Vaccines"), "vaccines", checks, wait),
        _visit(course, checks, today, wait),
        _infection(checks),
    ]
    return [step for step in steps if step]


def _of_checks(title: str, part: Part, checks: Sequence[Standing], wait: str) -> Step | None:
    """All hard checks of one kind as one step; None where the dose waits for none of them."""
    ours = [one for one in checks if one.check.part == part and one.check.hard]
    if not ours:
        return None
    missing = [one for one in ours if one.blocks]
    if not missing:
        return Step(title, "done")
    against = any(one.status == "not_clear" for one in missing)
    who: Who = "clinic" if against else missing[0].check.who
    return Step(title, "later", when=wait) if wait and not against else Step(title, "waiting", who)


def _blood_tests(
    course: Course, forecast: Forecast, checks: Sequence[Standing], today: dt.date
) -> Step | None:
    """The hard ones before a dose; during treatment also those that come back."""
    title = _("Blood tests")
    hard = _of_checks(title, "blood", checks, "")
    if hard and hard.state == "waiting":
        return hard
    windows = [
        one.window
        for one in monitoring(course, forecast)
        if one.check.part == "blood" and one.window
    ]
    if not windows:
        return hard
    opens = min(first for first, _last in windows)
    if opens <= today:
        return Step(title, "waiting")
    before_this = forecast.next and opens < forecast.next.due
    return Step(title, "later", when=_from(opens)) if before_this else Step(title, "done")


def _visit(course: Course, checks: Sequence[Standing], today: dt.date, wait: str) -> Step:
    title = _("Visit booked")
    if booked_ahead(course, today):
        return Step(title, "done")
    if any(one.blocks and one.check.before == "first" for one in checks):
        return Step(title, "later", when=_("after the checks"))
    return Step(title, "later", when=wait) if wait else Step(title, "waiting", "patient")


def _infection(checks: Sequence[Standing]) -> Step | None:
    title = _("Infection check")
    ours = [one for one in checks if one.check.part == "infection"]
    if any(one.status == "not_clear" for one in ours):
        return Step(title, "waiting")
    if all(not one.blocks for one in ours):
        return Step(title, "done") if ours else None
    return Step(title, "later", when=_("on the day of the visit"))


def _from(day: dt.date) -> str:
    return _("from {date}").format(date=date_format(day, "F j"))


def monitoring_ahead(
    course: Course | None, forecast: Forecast | None
) -> list[tuple[list[str], tuple[dt.date, dt.date]]]:
    """The checks during treatment that have dates, those of the same days together."""
    if course is None or forecast is None:
        return []
    by_window: dict[tuple[dt.date, dt.date], list[str]] = {}
    for one in monitoring(course, forecast):
        if one.window:
            by_window.setdefault(one.window, []).append(one.check.title)
    return [(titles, window) for window, titles in sorted(by_window.items())]


def monitoring_by_guideline(course: Course | None, forecast: Forecast | None) -> list[str]:
    """The checks during treatment for which only a guideline says how often."""
    if course is None or forecast is None:
        return []
    return [one.check.title for one in monitoring(course, forecast) if one.every is None]
