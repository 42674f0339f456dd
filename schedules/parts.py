"""A dose that is given in parts: which part waits for its rest, and how much that is (R11)."""

import datetime as dt

from schedules.engine.history import replay
from schedules.models import Course, Disposition, Infusion


def awaited_part(course: Course, on: dt.date) -> Infusion | None:
    """The infusion before the local date `on` whose rest is still to be given then.

    Reads `infusions`. A full dose that came after it leaves nothing to wait for.
    """
    given = [one for one in course.infusions.all() if one.counts and one.given_on < on]
    last = max(given, key=lambda one: one.given_on, default=None)
    return last if last and last.disposition == Disposition.COMPLETE_REMAINDER else None


def rest_mg(course: Course, part: Infusion, today: dt.date) -> int:
    """What the plan has left of the dose that `part` belongs to, in mg; 0 where nothing is."""
    given = sorted(course.history(today), key=lambda one: one.given_on)
    parts = [one for one in given if one.given_on <= part.given_on]
    total = 0
    while parts:
        total += parts[-1].dose_mg
        if not parts.pop().remainder:
            break
    before = replay(course.regimen, parts, course.choices, course.start(today))
    return max(0, course.regimen.dose_mg(before.step) - total)
