"""Adding intervals to dates: due dates clamp, minimum gaps roll forward.

31 August plus 6 months has no 31 February to land on. A clinic says "end of February" and means
the 28th, so a due date clamps. A minimum gap must hold under every reading, so it rolls forward
to 1 March (CDC's CDSi logic specification, CALCDT-5). Weeks and days are plain counts; months
and weeks are never converted into each other.

A history of twenty infusions needs some forty additions of months, and all the courses of a
clinic may be counted anew in one go; so months are added here with whole numbers, several times as
fast as by dateutil's `relativedelta`. The tests hold the two against each other.
"""

import calendar
import datetime as dt
from dataclasses import dataclass

# No month is shorter, so a day up to this one needs no look at the month's length.
IN_EVERY_MONTH = 28


@dataclass(frozen=True, slots=True)
class Interval:
    """A span of whole calendar months or whole days; never both."""

    months: int = 0
    days: int = 0

    def __post_init__(self) -> None:
        assert not (self.months and self.days), "an interval is in months or in days"

    def __mul__(self, times: int) -> "Interval":
        return Interval(months=self.months * times, days=self.days * times)

    def __str__(self) -> str:
        """As people say it: "6 months", "24 weeks", "10 days"."""
        if self.months:
            return f"{self.months} months"
        if self.days % 7 == 0:
            return f"{self.days // 7} weeks"
        return f"{self.days} days"


def months(count: int) -> Interval:
    """`count` calendar months."""
    return Interval(months=count)


def weeks(count: int) -> Interval:
    """`count` times 7 days."""
    return Interval(days=7 * count)


def due_add(day: dt.date, interval: Interval) -> dt.date:
    """`day` plus `interval`; a day that the month lacks becomes the month's last.

    >>> due_add(dt.date(2026, 8, 31), months(6))
    datetime.date(2027, 2, 28)

    Raises:
        ValueError, OverflowError: the result lies outside years 1 to 9999.
    """
    if not interval.months:
        return day + dt.timedelta(days=interval.days)
    year, january_is_0 = divmod(day.year * 12 + day.month - 1 + interval.months, 12)
    month, number = january_is_0 + 1, day.day
    if number > IN_EVERY_MONTH:
        number = min(number, calendar.monthrange(year, month)[1])
    return dt.date(year, month, number)


def min_add(day: dt.date, interval: Interval) -> dt.date:
    """`day` plus `interval`; a day that the month lacks becomes the 1st of the next month.

    >>> min_add(dt.date(2026, 9, 30), months(5))
    datetime.date(2027, 3, 1)

    Raises:
        ValueError, OverflowError: the result lies outside years 1 to 9999.
    """
    found = due_add(day, interval)
    clamped = interval.months and found.day != day.day
    return found + dt.timedelta(days=1) if clamped else found


def add_days(day: dt.date, days: int) -> dt.date:
    """`day` plus a plain count of days, which may be negative."""
    return day + dt.timedelta(days=days)
