"""On which days a clinic is closed, and why: its weekdays, its closures, public holidays.

A closed day never moves a due date: it only changes the day that a page offers (R16).
"""

import datetime as dt
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import Clinic
from schedules.models import Appointment, ClinicRules, Closure
from schedules.public_holidays import holidays_of

# By ISO number, Monday is 1.
NO_VISITS_ON = {
    1: _("no visits on Mondays"),
    2: _("no visits on Tuesdays"),
    3: _("no visits on Wednesdays"),
    4: _("no visits on Thursdays"),
    5: _("no visits on Fridays"),
    6: _("no visits on Saturdays"),
    7: _("no visits on Sundays"),
}


@dataclass(frozen=True, slots=True)
class ClinicCalendar:
    """The days of one clinic. Closures are known for the days that it was made for."""

    rules: ClinicRules
    closures: tuple[Closure, ...]

    @classmethod
    def of(cls, clinic: Clinic, first: dt.date, last: dt.date) -> "ClinicCalendar":
        """The calendar of `clinic` from `first` to `last`, both included, in one query (two
        where `clinic` came without its rules).
        """
        shut = clinic.closures.filter(first_day__lte=last, last_day__gte=first)
        return cls(rules=ClinicRules.of(clinic), closures=tuple(shut))

    def is_open(self, day: dt.date) -> bool:
        """Whether visits take place on `day`."""
        return not self.why_closed(day)

    def why_closed(self, day: dt.date) -> str:
        """Why there are no visits on `day`, the most particular reason; empty when open."""
        if day_off := self.day_off(day):
            return day_off
        weekday = day.isoweekday()
        return "" if str(weekday) in self.rules.open_weekdays else str(NO_VISITS_ON[weekday])

    def day_off(self, day: dt.date) -> str:
        """The closure or the public holiday on `day`, by its name; empty on any other day."""
        titles = (one.title for one in self.closures if one.first_day <= day <= one.last_day)
        rules = self.rules
        public = holidays_of(rules.holiday_country, rules.holiday_subdivision, day.year)
        return next(titles, "") or public.get(day, "")


def visits_on_closed_days(clinic: Clinic, now: dt.datetime) -> list[tuple[Appointment, str]]:
    """The coming visits that lie on days closed by now, each with why, in order.

    A visit is never moved in silence; the clinic sees these until somebody moves them.
    """
    today = clinic.local_date(now)
    coming = Appointment.objects.booked().filter(
        course__patient__clinic=clinic, starts_at__gte=now - dt.timedelta(days=1)
    )
    days = [
        (visit, clinic.local_date(visit.starts_at))
        for visit in coming.select_related("course__patient__clinic")
    ]
    calendar = ClinicCalendar.of(clinic, today, max((day for _visit, day in days), default=today))
    closed = ((visit, calendar.why_closed(day)) for visit, day in days if day >= today)
    return [(visit, why) for visit, why in closed if why]
