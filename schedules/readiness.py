"""How ready a course is for its next dose: which checks are done, and which stand in its way.

The rules are `schedules.engine.screening`; this module reads the rows for them. Nothing here moves
a date (R17), and nothing refuses: the verbs in `schedules.actions` do that.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from schedules.engine import screening as engine
from schedules.engine.dates import Interval
from schedules.engine.forecast import Forecast
from schedules.engine.screening import CHECKS, Check, Status
from schedules.models import AppointmentStatus, Course, Patient, Screening

# States in which no dose is coming that anything could be ready for.
NOT_COMING = frozenset({"discontinued", "paused", "on_hold", "pending_clinician"})


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one check stands for a dose on the local date `on`, and the answer behind it."""

    check: Check
    status: Status
    answer: Screening | None
    on: dt.date

    @property
    def blocks(self) -> bool:
        """Whether the dose waits for it."""
        return engine.blocks(self.check, self.status)

    @property
    def is_final(self) -> bool:
        """Whether no reason lets the dose go on."""
        answer = self.answer.as_answer() if self.answer else None
        return engine.is_final(self.check, answer, self.status, on=self.on)

    @property
    def holds_until(self) -> dt.date | None:
        """The last day on which the answer holds."""
        return engine.holds_until(self.check, self.answer.as_answer()) if self.answer else None


@dataclass(frozen=True, slots=True)
class Monitoring:
    """A check that comes back during treatment; `window` is None where no date is known.

    `every` is None where only a guideline says how often.
    """

    check: Check
    last: Screening | None
    every: Interval | None
    window: tuple[dt.date, dt.date] | None


def is_coming(course: Course, forecast: Forecast, today: dt.date) -> bool:
    """Whether there is a next dose that anything could be ready for. Reads `holds`.

    A new person has no dose yet, but one to come.
    """
    held = any(hold.in_force(today) for hold in course.holds.all())
    return forecast.state not in NOT_COMING and not held


def starts_anew(forecast: Forecast) -> bool:
    """Whether the next dose is a first one, or the first after a lapse (R13)."""
    position = forecast.position
    lapsed = forecast.state == "lapsed" or position.pending is not None
    return position.anchor is None or lapsed


def standings(course: Course, forecast: Forecast, *, on: dt.date) -> list[Standing]:
    """Every check that the dose on the local date `on` waits for, in the order to show.

    One that is not due any more is among them as long as its result speaks against an infusion.
    Reads the patient's `screenings` and the clinic's `check_intervals`; prefetch them for lists.
    """
    patient = course.patient
    chosen = {one.check_code: one.in_use for one in patient.clinic.check_intervals.all()}
    first = starts_anew(forecast)
    due = engine.checks_before(
        first=first,
        previous_drug=course.previous_drug,
        left_out=[code for code, in_use in chosen.items() if not in_use],
        chosen=[code for code, in_use in chosen.items() if in_use],
    )
    last, answers = forecast.position.last, newest_answers(patient)
    found = []
    for check in CHECKS:
        answer = answers.get(check.code)
        every_dose = check.valid_for or (check.by_choice and not first)
        status = engine.status_of(
            check,
            answer.as_answer() if answer else None,
            on=on,
            since=last if first or every_dose else None,
        )
        if check in due or status == "not_clear":
            found.append(Standing(check, status, answer, on))
    return found


def newest_answers(patient: Patient) -> dict[str, Screening]:
    """By the code of each check the answer that stands. Reads `screenings`."""
    counting = [one for one in patient.screenings.all() if one.counts]
    in_order = sorted(counting, key=lambda one: (one.done_on, one.pk))
    return {one.check_code: one for one in in_order}


def booked_ahead(course: Course, today: dt.date) -> list[dt.date]:
    """The local dates from `today` on for which a visit is booked. Reads `appointments`."""
    booked = [one for one in course.appointments.all() if one.status == AppointmentStatus.BOOKED]
    return sorted(one.local_date for one in booked if one.local_date >= today)


def dose_day(course: Course, forecast: Forecast, today: dt.date) -> dt.date:
    """The local date of the next dose: when it is booked, else when it is due, never past."""
    due = forecast.next.due if forecast.next else today
    return min(booked_ahead(course, today), default=max(due, today))


def gates(course: Course, *, day: dt.date, today: dt.date) -> list[Standing]:
    """What stands in the way of booking a visit on `day`, a local date.

    A first dose waits for all its checks, but only until its first visit is booked; a later one
    for what has run out by then or speaks against it. What is only looked at on the day itself
    cannot be known weeks before.
    """
    forecast = course.forecast(today)
    stops: set[Status] = {"expired", "not_clear"}
    if starts_anew(forecast) and not booked_ahead(course, today):
        stops.add("needed")
    return [
        one
        for one in standings(course, forecast, on=day)
        if one.blocks and one.status in ({"not_clear"} if one.check.valid_for else stops)
    ]


def ruled_out(course: Course, *, day: dt.date, today: dt.date) -> Check | None:
    """What speaks so much against a visit on `day` that no reason lets it be booked."""
    found = gates(course, day=day, today=today)
    return next((one.check for one in found if one.is_final), None)


def monitoring(course: Course, forecast: Forecast) -> list[Monitoring]:
    """What is looked at again and again during treatment, with dates that hang off the doses."""
    patient = course.patient
    if forecast.position.anchor is None or forecast.state in NOT_COMING:
        return []
    settings = {one.check_code: one for one in patient.clinic.check_intervals.all()}
    answers = newest_answers(patient)
    found = []
    for check in CHECKS:
        setting = settings.get(check.code)
        if check.before and not check.monitoring:
            continue
        if setting and not setting.in_use:
            continue
        months = setting.every_months if setting else None
        every = Interval(months=months) if months else check.monitoring
        last = answers.get(check.code)
        found.append(Monitoring(check, last, every, _window(check, last, every, forecast)))
    return found


def _window(
    check: Check, last: Screening | None, every: Interval | None, forecast: Forecast
) -> tuple[dt.date, dt.date] | None:
    return engine.monitoring_dates(
        check,
        last_done_on=last.done_on if last else None,
        doses=_doses(forecast),
        interval=every,
    )


def _doses(forecast: Forecast) -> Sequence[dt.date]:
    """The coming doses as planned: a late one is still the next.

    Not the second part of a first dose, which is two weeks after the first: what is looked at
    four weeks before a dose would lie before the treatment.
    """
    if forecast.next is None:
        return []
    later = forecast.projected[1:]
    return later if forecast.position.step == "initial-2" else [forecast.next.due, *later]
