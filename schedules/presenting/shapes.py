"""What the rules look at, and the shapes in which they answer."""

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from ocrevus_tracker.accounts.models import Clinic
from schedules.engine.forecast import Forecast, NextDose
from schedules.models import Appointment, Course, Hold
from schedules.rates import chair_minutes
from schedules.templatetags.tracker import clock, duration, in_words, long_date


@dataclass(frozen=True, slots=True)
class HomeState:
    """One state of the patient's home page. `letter` is its name in tests and reports."""

    letter: str
    kind: str  # how the tag looks: a key of STATUS_ICONS
    tag: str
    big: str
    lead: str = ""  # said before the big line
    day: dt.date | None = None  # the date that the big line says
    when: str = ""
    text: tuple[str, ...] = ()
    call: str = ""  # what the call button says; empty where nothing is to be done


@dataclass(frozen=True, slots=True)
class PauseWords:
    """How a pause, or a hold, is told to the patient; translated when it is shown."""

    tag: Any
    big: Any
    until: Any  # said before the first day allowed again
    since: Any
    no_reminders: Any


PAUSED = PauseWords(
    gettext_lazy("On pause"),
    gettext_lazy("Infusions on pause"),
    gettext_lazy("On pause until"),
    gettext_lazy("Your care team paused your infusions on {date}."),
    gettext_lazy("We will not send reminders while you are on pause."),
)
ON_HOLD = PauseWords(
    gettext_lazy("On hold"),
    gettext_lazy("Infusions on hold"),
    gettext_lazy("On hold until"),
    gettext_lazy("Your care team put your infusions on hold on {date}."),
    gettext_lazy("We will not send reminders while they are on hold."),
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at. `visits` are those that still wait for their infusion, in order."""

    course: Course
    forecast: Forecast
    visits: tuple[Appointment, ...]
    clinic: Clinic
    today: dt.date

    @property
    def upcoming(self) -> tuple[Appointment, ...]:
        """The booked visits of today and later."""
        return tuple(visit for visit in self.visits if self.date_of(visit) >= self.today)

    @property
    def visit(self) -> Appointment | None:
        return next(iter(self.upcoming), None)

    @property
    def dose(self) -> NextDose | None:
        return self.forecast.next

    @property
    def part(self) -> str:
        """Which half of a split first dose comes next, in words; empty for a whole dose."""
        if len(self.forecast.regimen.initial) == 1:
            return ""
        words = {"initial-1": _("visit 1 of 2"), "initial-2": _("visit 2 of 2")}
        return words.get(self.forecast.position.planned_step, "")

    @property
    def held(self) -> tuple[Hold, ...]:
        """The holds and pauses in force today."""
        return tuple(hold for hold in self.course.holds.all() if hold.in_force(self.today))

    @property
    def held_until(self) -> dt.date | None:
        """The first day on which none of them is in force; None while one has no end."""
        ends = [hold.ends_on for hold in self.held]
        return None if None in ends else max((end for end in ends if end), default=None)

    def is_held(self, day: dt.date) -> bool:
        return any(hold.in_force(day) for hold in self.course.holds.all())

    def date_of(self, visit: Appointment) -> dt.date:
        return self.clinic.local_date(visit.starts_at)


def where_and_how_long(facts: Facts) -> tuple[str, ...]:
    """The place of a visit, and how much of the day it takes, to the half hour and rounded up."""
    chair = chair_minutes(facts.course, facts.today)
    if chair is None:
        return (facts.clinic.address,)
    half_hours = math.ceil(chair / 30)
    told = _("Plan for about {hours}.").format(hours=duration(half_hours * 30))
    return facts.clinic.address, told


def no_date() -> HomeState:
    return HomeState(
        "O",
        "neutral",
        _("Call us"),
        _("No date to show yet"),
        text=(_("We cannot work out your date. Part of your record is missing."),),
        call=_("Call"),
    )


def booking_opens(due: dt.date, clinic: Clinic) -> dt.date:
    """The local date from which the visit for a dose due on `due` can be booked."""
    return due - dt.timedelta(days=clinic.booking_opens_days)


def booked(
    facts: Facts, visit: Appointment, *, letter: str, kind: str, tag: str, text: tuple[str, ...]
) -> HomeState:
    day = facts.date_of(visit)
    when = _("at {time}, {in_words}").format(
        time=time_words(facts, visit), in_words=in_words(day, facts.today)
    )
    return HomeState(letter, kind, tag, long_date(day), day=day, when=when, text=text)


def due_around(
    facts: Facts,
    *,
    letter: str,
    kind: str,
    tag: str,
    text: tuple[str, ...],
    lead: str = "",
    call: str | None = None,
) -> HomeState:
    assert facts.dose  # noqa: S101 - a rule that shows a due date has found one
    due = facts.dose.due
    return HomeState(
        letter,
        kind,
        tag,
        date_words(due),
        lead=lead or _("Due around"),
        day=due,
        when=in_words(due, facts.today),
        text=text,
        call=_("Call to book") if call is None else call,
    )


def date_words(day: dt.date) -> str:
    """As in "March 10, 2026": a due date is no appointment and has no weekday."""
    return date_format(day, pgettext("a date format of Django", "F j, Y"))


def time_words(facts: Facts, visit: Appointment) -> str:
    """The visit's time at the clinic, with the zone's name for a reader in another one."""
    time = clock(visit.starts_at)
    there = visit.starts_at.astimezone(facts.clinic.tz)
    here = visit.starts_at.astimezone(facts.course.patient.tz)
    return time if there.utcoffset() == here.utcoffset() else f"{time} {there.tzname()}"
