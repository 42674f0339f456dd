"""Which rates a dose of a course may run by (section 3 of the clinical rules)."""

import datetime as dt

from schedules.engine import history as engine
from schedules.engine.history import replay
from schedules.engine.infusing import InfusionOption, barred_by, options
from schedules.models import Course, Rate


def rate_options(course: Course, day: dt.date) -> tuple[InfusionOption, ...]:
    """The ways to give the dose that is next on the local date `day`, the usual one first.

    Those that a reaction bars are among them; `barring_reaction` says which one bars it.
    """
    given = given_before(course, day)
    position = replay(course.regimen, given, course.choices, course.start(day))
    return options(course.regimen, position.planned_step)


def barring_reaction(course: Course, day: dt.date) -> engine.Infusion | None:
    """The infusion before `day` whose serious reaction bars the short one; None if none does."""
    before = [one for earlier in course.line[1:] for one in earlier.history(day)]
    return barred_by([*before, *given_before(course, day)], _allowed_on(course))


def allowed_rates(course: Course, day: dt.date) -> set[str]:
    """The codes of the rates that nothing bars on `day`."""
    codes: set[str] = {one.code for one in rate_options(course, day)}
    return codes - {Rate.OPTION_2} if barring_reaction(course, day) else codes


def given_before(course: Course, day: dt.date) -> list[engine.Infusion]:
    """What was given under the course's own regimen before the local date `day`."""
    return [one for one in course.history(day) if one.given_on < day]


def _allowed_on(course: Course) -> dt.date | None:
    """The clinic's date on which a prescriber allowed the short infusion again."""
    allowed_at = course.short_infusion_allowed_at
    return course.patient.clinic.local_date(allowed_at) if allowed_at else None
