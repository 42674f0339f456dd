"""What a patient is told on one day: a state with its words, its date and its one next step.

The rules below are asked in a fixed order and the first that answers wins. Every date comes from
the forecast or from a booked visit; the days before and after are the clinic's own.
"""

import datetime as dt
from collections.abc import Sequence

from django.utils import timezone

from ocrevus_tracker.accounts.models import Clinic
from schedules.engine.forecast import Forecast
from schedules.models import Appointment, Course

from .rules import RULES
from .shapes import Facts, HomeState, booking_opens, no_date

__all__ = ["HomeState", "booking_opens", "home_state"]


def home_state(
    course: Course | None,
    forecast: Forecast | None,
    visits: Sequence[Appointment],
    clinic: Clinic,
    now: dt.datetime,
) -> HomeState:
    """The state to show at `now` (aware). `visits` are the booked ones, past ones included."""
    if course is None or forecast is None:
        return no_date()
    in_order = tuple(sorted(visits, key=lambda visit: visit.starts_at))
    facts = Facts(course, forecast, in_order, clinic, clinic.local_date(now))
    with timezone.override(clinic.tz):
        return next(state for rule in RULES if (state := rule(facts)))
