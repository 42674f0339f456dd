"""A dose that is given in parts: which part waits for its rest (R11)."""

import datetime as dt

from schedules.models import Course, Disposition, Infusion


def awaited_part(course: Course, on: dt.date) -> Infusion | None:
    """The infusion before the local date `on` whose rest is still to be given then.

    Reads `infusions`. A full dose that came after it leaves nothing to wait for.
    """
    given = [one for one in course.infusions.all() if one.counts and one.given_on < on]
    last = max(given, key=lambda one: one.given_on, default=None)
    return last if last and last.disposition == Disposition.COMPLETE_REMAINDER else None
