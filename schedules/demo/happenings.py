"""What can happen to a person: each happening is told by the verbs that people use."""

import datetime as dt
from collections.abc import Callable

from dateutil.relativedelta import relativedelta

from schedules import actions
from schedules.engine.dates import due_add
from schedules.models import (
    Course,
    Disposition,
    HoldReason,
    Outcome,
    Reaction,
    RestartChoice,
    ScreeningStatus,
    StopReason,
)

from .clinicians import Clinicians

Tell = Callable[[Clinicians, Course], None]


def nothing_yet() -> Tell:
    """Referred; nothing ordered, nothing booked."""
    return lambda _clinic, _course: None


def hepatitis_missing() -> Tell:
    """New, and all checks are done but one; pregnancy is not possible."""

    def tell(clinic: Clinicians, course: Course) -> None:
        day = clinic.day(-6)
        clinic.check_before_start(course, day, without={"hepatitis-b", "pregnancy"})
        facts = {"status": ScreeningStatus.NOT_NEEDED, "note": "Pregnancy is not possible"}
        clinic.check(course, "pregnancy", day, **facts)

    return tell


def approval_ended(days: int) -> Tell:
    """On maintenance, due in `days`; the approval was for the dose before."""

    def tell(clinic: Clinicians, course: Course) -> None:
        due_in(days)(clinic, course)
        clinic.approve(course, clinic.day(-40), 30)

    return tell


def due_in(days: int, *, doses: int = 3, visit: int | None = None, hour: int = 9) -> Tell:
    """On maintenance with the next dose due in `days` (negative: past), after `doses` doses of
    600 mg; with a visit booked in `visit` days.
    """

    def tell(clinic: Clinicians, course: Course) -> None:
        regimen = course.regimen
        last = _minus(clinic.day(days), course, 1)
        given = [_minus(last, course, before) for before in range(doses - 1, -1, -1)]
        start = _minus(given[0], course, 1)
        for dose in regimen.initial:
            day = start + dt.timedelta(days=dose.offset_days)
            clinic.give(course, day, dose.dose_mg)
        for day in given:
            clinic.give(course, day, regimen.maintenance_mg)
        clinic.approve(course, clinic.day(-45))
        if visit is not None:
            clinic.book(course, clinic.day(visit), hour)

    return tell


def _minus(day: dt.date, course: Course, cycles: int) -> dt.date:
    """The day `cycles` intervals before `day`."""
    interval = course.regimen.interval * cycles
    return day - relativedelta(months=interval.months, days=interval.days)


def first_visits(first: int, *, visit_1: bool = False, visit_2: int | None = None) -> Tell:
    """Infusion 1 was `first` days from now (or, with `visit_1`, is booked for then)."""

    def tell(clinic: Clinicians, course: Course) -> None:
        clinic.check_before_start(course, clinic.day(min(first, 0) - 20))
        if visit_1:
            clinic.book(course, clinic.day(first), booked_days_before=3)
        else:
            clinic.give(course, clinic.day(first), course.regimen.initial[0].dose_mg)
        if visit_2 is not None:
            clinic.book(course, clinic.day(visit_2), 10, booked_days_before=1)

    return tell


def both_first_visits(first: int) -> Tell:
    """Both parts of the first dose given; the first `first` days ago (negative)."""

    def tell(clinic: Clinicians, course: Course) -> None:
        for dose in course.regimen.initial:
            clinic.give(course, clinic.day(first + dose.offset_days), dose.dose_mg)

    return tell


def month_end() -> Tell:
    """Started on the last 31 August: dates clamp to month ends without drifting."""

    def tell(clinic: Clinicians, course: Course) -> None:
        start = dt.date(clinic.today.year - 2, 8, 31)
        clinic.give(course, start, 300)
        clinic.give(course, start + dt.timedelta(days=14), 300)
        for cycle in range(1, 6):
            day = due_add(start, course.regimen.interval * cycle)
            if day <= clinic.today:
                clinic.give(course, day, 600)

    return tell


def transferred_in(days_ago: int) -> Tell:
    """Only the last dose is known; it was given elsewhere."""
    return lambda clinic, course: clinic.give(course, clinic.day(-days_ago), 600)


def too_early() -> Tell:
    """A dose under five months after the one before: it counts, flagged."""

    def tell(clinic: Clinicians, course: Course) -> None:
        clinic.give(course, clinic.day(-200), 600)
        clinic.give(course, clinic.day(-65), 600)

    return tell


def stopped_half_way(disposition: Disposition) -> Tell:
    """The last infusion was stopped after 250 mg."""

    def tell(clinic: Clinicians, course: Course) -> None:
        due_in(-2, doses=2)(clinic, course)
        day = clinic.day(-2)
        clinic.give(course, day, 250, outcome=Outcome.PARTIAL, disposition=disposition)

    return tell


def reacted(reaction: Reaction, days_ago: int, note: str) -> Tell:
    """A reaction to the last infusion; a life-threatening one ends treatment by itself."""

    def tell(clinic: Clinicians, course: Course) -> None:
        due_in(-days_ago, doses=2)(clinic, course)
        clinic.give(course, clinic.day(-days_ago), 600, reaction=reaction, note=note)

    return tell


def not_given(days_ago: int, note: str) -> Tell:
    """Came for a booked visit and went home without an infusion."""

    def tell(clinic: Clinicians, course: Course) -> None:
        due_in(5 - days_ago, doses=2, visit=-days_ago)(clinic, course)
        clinic.give(course, clinic.day(-days_ago), 0, outcome=Outcome.NOT_DONE, note=note)

    return tell


def moved_here(days_ago: int) -> Tell:
    """Had infusions elsewhere; nobody knows more than the month of the last one."""

    def tell(clinic: Clinicians, course: Course) -> None:
        month = clinic.day(-days_ago).replace(day=1)
        actions.record_elsewhere(
            course=course,
            actor=clinic.nurse,
            now=clinic.at(clinic.day(-2)),
            doses=[actions.Told(month, course.regimen.maintenance_mg, day_known=False)],
            note="Told by the patient",
        )

    return tell


def ended(days_ago: int, reason: StopReason = StopReason.PATIENT) -> Tell:
    """Treatment stopped."""

    def tell(clinic: Clinicians, course: Course) -> None:
        due_in(90)(clinic, course)
        actions.stop_course(
            course=course,
            actor=clinic.prescriber,
            now=clinic.at(clinic.day(-days_ago)),
            stopped_on=clinic.day(-days_ago),
            reason=reason,
        )

    return tell


def restarted(choice: RestartChoice, *visits: int) -> Tell:
    """Lapsed, until a prescriber chose how to go on; with visits booked so many days ahead."""

    def tell(clinic: Clinicians, course: Course) -> None:
        due_in(-220, doses=2)(clinic, course)
        actions.choose_restart(
            course=course,
            actor=clinic.prescriber,
            now=clinic.at(clinic.day(-3)),
            choice=choice,
            reason="Agreed with the patient",
        )
        for days in visits:
            clinic.book(course, clinic.day(days), booked_days_before=1)

    return tell


def switched(days_ago: int, code: str, before: Tell) -> Tell:
    """The same medicine in another way since `days_ago`; the dates go on."""

    def tell(clinic: Clinicians, course: Course) -> None:
        before(clinic, course)
        actions.switch_regimen(
            course=course,
            actor=clinic.prescriber,
            now=clinic.at(clinic.day(-days_ago)),
            code=code,
            switched_on=clinic.day(-days_ago),
            reason="The patient asked for it",
        )

    return tell


def held(
    days_ago: int,
    reason: HoldReason,
    before: Tell,
    *,
    ends: int | None = None,
    review: int | None = None,
) -> Tell:
    """On hold, or on pause, since `days_ago`; `ends` and `review` lie so many days ahead."""

    def tell(clinic: Clinicians, course: Course) -> None:
        before(clinic, course)
        actions.start_hold(
            course=course,
            actor=clinic.nurse,
            now=clinic.at(clinic.day(-days_ago)),
            reason=reason,
            starts_on=clinic.day(-days_ago),
            ends_on=clinic.day(ends) if ends else None,
            review_on=clinic.day(review) if review else None,
        )

    return tell


def put_right(due: int) -> Tell:
    """The last infusion was recorded for a wrong day, and corrected on the next morning."""

    def tell(clinic: Clinicians, course: Course) -> None:
        due_in(due)(clinic, course)
        last = course.infusions.latest("given_on")
        actions.correct_infusion(
            infusion=last,
            actor=clinic.prescriber,
            now=clinic.at(last.given_on + dt.timedelta(days=1), 9),
            revision=last.revision,
            reason="Wrong date",
            given_on=last.given_on - dt.timedelta(days=2),
        )

    return tell


def somebody_elses(days_ago: int) -> Tell:
    """An infusion of another patient was recorded here, and marked as a mistake."""

    def tell(clinic: Clinicians, course: Course) -> None:
        due_in(95)(clinic, course)
        clinic.give(course, clinic.day(-days_ago), 600)
        wrong = course.infusions.latest("given_on")
        actions.void_infusion(
            infusion=wrong,
            actor=clinic.nurse,
            now=clinic.at(wrong.given_on + dt.timedelta(days=1), 9),
            revision=wrong.revision,
            reason="Wrong patient",
        )

    return tell
