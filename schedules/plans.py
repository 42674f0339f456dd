"""What would follow from a choice about a course: the engine's own dates, before it is made."""

import datetime as dt
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from schedules.engine.forecast import Forecast, Infusion, Restart, forecast
from schedules.engine.history import Choice, can_switch, continued
from schedules.engine.regimens import Regimen, current_regimen
from schedules.engine.washout import RULES, washout
from schedules.models import ClinicRules, Course, RestartChoice


@dataclass(frozen=True, slots=True)
class Dose:
    """One dose of a plan: what it is, in words, when, and how much in mg."""

    words: str
    on: dt.date
    mg: int


@dataclass(frozen=True, slots=True)
class Before:
    """What was taken before, and what that leaves for the first infusion (A14). Local dates.

    `alert_days` is set once the start is later than the drug's own limit, in days since its last
    dose; without dates `note` says what to wait for.
    """

    drug: str
    last_on: dt.date
    earliest_on: dt.date | None = None
    target_on: dt.date | None = None
    alert_days: int | None = None
    note: str = ""


def ways_to_restart(course: Course) -> list[RestartChoice]:
    """R13: the choices after a lapse; a regimen whose first dose is not split has one."""
    parted = len(course.regimen.initial) > 1
    return [RestartChoice.SINGLE, *([RestartChoice.SPLIT] if parted else [])]


def restart_plan(
    course: Course, choice: RestartChoice, today: dt.date, first_on: dt.date
) -> list[Dose]:
    """The doses that follow from `choice` if the first is given on `first_on`, a local date."""
    make = _single if choice == RestartChoice.SINGLE else _split
    return make(course, today, first_on)


def _single(course: Course, today: dt.date, first_on: dt.date) -> list[Dose]:
    full = course.regimen.maintenance_mg
    found = _restarted(course, today, Infusion(first_on, full), "single")
    return [Dose(_("Full dose"), first_on, full), *_next(found, _("Next full dose"))]


def _split(course: Course, today: dt.date, first_on: dt.date) -> list[Dose]:
    first = course.regimen.initial[0].dose_mg
    found = _restarted(course, today, Infusion(first_on, first), "split")
    return [
        Dose(_("First dose, visit 1 of 2"), first_on, first),
        *_next(found, _("First dose, visit 2 of 2")),
        Dose(_("First full dose"), found.projected[1], course.regimen.maintenance_mg),
    ]


def _next(found: Forecast, words: str) -> list[Dose]:
    return [Dose(words, found.next.due, found.next.dose_mg)] if found.next else []


def _restarted(course: Course, today: dt.date, dose: Infusion, choice: Choice) -> Forecast:
    """The forecast on the day of `dose`, given after `choice` in place of what that day holds."""
    return forecast(
        course.regimen,
        today=dose.given_on,
        history=[
            *(one for one in course.history(today) if one.given_on != dose.given_on),
            dose,
        ],
        restarts=[*course.choices, Restart(dose.given_on, choice)],
        start=course.start(today),
    )


def switch_plans(course: Course, today: dt.date) -> list[tuple[Regimen, Forecast]]:
    """A13: the regimens in use at the clinic under which `course` can go on, with what follows."""
    position = course.position(today)
    codes = ClinicRules.of(course.patient.clinic).regimens
    others = [current_regimen(code) for code in sorted(codes) if code != course.regimen_code]
    return [
        (to, _switched(course, to, today))
        for to in others
        if can_switch(course.regimen, to, position)
    ]


def _switched(course: Course, to: Regimen, today: dt.date) -> Forecast:
    start = continued(
        course.regimen, course.history(today), course.choices, course.start(today), to=to
    )
    return forecast(to, today=today, ordered_for=course.ordered_for, holds=course.held, start=start)


def unless_stopped(course: Course, today: dt.date) -> Forecast:
    """What the next clinic goes on with: the dates as if infusions here had not stopped."""
    return forecast(
        course.regimen,
        today=today,
        history=course.history(today),
        ordered_for=course.ordered_for,
        holds=course.held,
        restarts=course.choices,
        start=course.start(today),
    )


def treatment_before(course: Course, today: dt.date) -> Before | None:
    """The treatment before this one and its wash-out as seen on `today`, a local date."""
    drug, last_on = course.previous_drug, course.previous_last_on
    if not drug or last_on is None:
        return None
    told = Before(drug, last_on)
    if drug not in RULES:
        return replace(told, drug=_("another treatment"))
    found = washout(drug, last_on)
    alert = found.alert_after
    waits = course.position(today).anchor is None
    return replace(
        told,
        earliest_on=found.earliest_on,
        target_on=found.target_on,
        alert_days=(alert - last_on).days if alert and waits and today > alert else None,
        note=found.note,
    )
