"""Which rates a dose of a course may run by (section 3 of the clinical rules)."""

import datetime as dt

from schedules.engine import history as engine
from schedules.engine.dates import add_days
from schedules.engine.history import replay
from schedules.engine.infusing import InfusionOption, barred_by, options
from schedules.models import Course


def rate_options(course: Course, day: dt.date) -> tuple[InfusionOption, ...]:
    """The ways to give the dose that is next on the local date `day`, the usual one first.

    Without the short one where a reaction bars it; `barring_reaction` says which.
    """
    given = given_before(course, day)
    position = replay(course.regimen, given, course.choices, course.start(day))
    return options(
        course.regimen,
        position.planned_step,
        given=given,
        before=_given_earlier(course, day),
        reenabled_on=_allowed_on(course),
    )


def chair_minutes(course: Course, today: dt.date) -> int | None:
    """How long the dose after all those up to `today`, a local date, takes a chair the usual way.

    None where the sources of its treatment give no time.
    """
    return rate_options(course, add_days(today, 1))[0].chair_minutes


def barring_reaction(course: Course, day: dt.date) -> engine.Infusion | None:
    """The infusion before `day` whose serious reaction bars the short one; None if none does."""
    given = [*_given_earlier(course, day), *given_before(course, day)]
    return barred_by(given, _allowed_on(course))


def given_before(course: Course, day: dt.date) -> list[engine.Infusion]:
    """What was given under the course's own regimen before the local date `day`."""
    return [one for one in course.history(day) if one.given_on < day]


def _given_earlier(course: Course, day: dt.date) -> list[engine.Infusion]:
    """What was given up to `day` under the regimens that the course goes on from."""
    return [one for earlier in course.line[1:] for one in earlier.history(day)]


def _allowed_on(course: Course) -> dt.date | None:
    """The clinic's date on which a prescriber allowed the short infusion again."""
    allowed_at = course.short_infusion_allowed_at
    return course.patient.clinic.local_date(allowed_at) if allowed_at else None
