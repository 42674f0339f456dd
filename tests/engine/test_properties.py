"""Laws that hold for every course, whatever was given when; hypothesis looks for a breach.

Each course that is made up is held against all the laws at once.

make test                                    some made-up courses
pytest tests/engine -m long -s               50,000 of them
ENGINE_SEED=7 pytest tests/engine -m long -s the same ones again
"""

import datetime as dt
import os
import random
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from schedules.engine.dates import add_days, due_add, min_add
from schedules.engine.forecast import Forecast, forecast
from schedules.engine.history import Hold, Infusion, Restart, continued, replay
from schedules.engine.regimens import OCREVUS_IV, OCREVUS_SC, REGIMENS, Regimen

SEED = int(os.environ.get("ENGINE_SEED", "20261122"))
STATES = ["not_eligible", "eligible", "in_window", "late", "overdue", "extended", "lapsed"]

# --- Made-up courses ------------------------------------------------------------------------

# One number is drawn for a date or a gap and looked up here: far quicker than a choice of choices.
# Leap days, days before them, ends of long and short months; 1900, 2100 and 2200 are no leap years.
AWKWARD = [
    dt.date(year, month, number)
    for year in (1900, 2023, 2024, 2027, 2028, 2096, 2099, 2100)
    for month, number in ((1, 31), (2, 28), (3, 31), (8, 29), (8, 31), (9, 30), (12, 31))
] + [dt.date(year, 2, 29) for year in (1904, 2000, 2024, 2028, 2096)]
ANY = [dt.date(1900, 1, 1) + dt.timedelta(days) for days in range(280 * 365)]
STARTS = AWKWARD * (len(ANY) // len(AWKWARD)) + ANY
# The days from one dose to the next, or a word for a day that only the forecast knows.
WORDS = ["due", "due", "earliest", "just early", "just late"]
TIMINGS = (
    WORDS * 60 + [1, 13, 14, 28, 29, 140, 150, 153, 168, 181, 184, 365] * 10 + [*range(1, 501)]
)


@dataclass(frozen=True)
class Course:
    """What a clinic recorded: planned amounts at any time, seen up to two years after."""

    regimen: Regimen
    history: tuple[Infusion, ...]
    today: dt.date
    shuffle: int

    def seen(self, **other) -> Forecast:
        return forecast(self.regimen, **{"history": self.history, "today": self.today} | other)

    @cached_property
    def found(self) -> Forecast:
        return self.seen()

    def given(self, *more):
        return replace(self, history=(*self.history, *more), today=more[-1].given_on)

    @property
    def last(self):
        return self.history[-1]

    @property
    def shuffled(self):
        return random.Random(self.shuffle).sample(self.history, len(self.history))


def one_of(table):
    return st.integers(0, len(table) - 1).map(table.__getitem__)


@st.composite
def courses(draw):
    regimen = draw(one_of([*REGIMENS.values()]))
    first = draw(one_of(STARTS))
    course = Course(regimen, (Infusion(first, regimen.dose_mg("initial-1")),), first, 0)
    for timing in draw(st.lists(one_of(TIMINGS), max_size=8)):
        coming = course.found.next
        course = course.given(Infusion(day_of(timing, course, coming), coming.dose_mg))
    after, shuffle = draw(st.integers(0, 730)), draw(st.integers(0, 999))
    return replace(course, today=add_days(course.last.given_on, after), shuffle=shuffle)


def day_of(timing, course, coming):
    """The day a dose is given, always after the one before it."""
    last = course.last.given_on
    if isinstance(timing, int):
        return add_days(last, timing)
    days = {
        "due": coming.due,
        "earliest": coming.earliest,
        "just early": add_days(coming.due, -1),
        "just late": add_days(coming.due, 1),
    }
    return max(days[timing], add_days(last, 1))


# --- The laws -------------------------------------------------------------------------------


def no_date_comes_before_the_minimum_gap(course):
    found = course.found
    if found.next.step != "maintenance":
        return
    gap, last = course.regimen.min_gap, course.last.given_on
    assert found.next.earliest == min_add(last, gap)
    for before, after in pairwise((last, *found.projected)):
        assert after >= min_add(before, gap)


def the_dates_are_in_order(course):
    coming = course.found.next
    assert coming.earliest <= coming.window_start <= coming.due <= coming.window_end
    assert coming.window_end < coming.extended_from < coming.lapses_on


def the_order_of_entry_does_not_matter(course):
    assert course.seen(history=course.shuffled) == course.found


def a_correction_is_as_if_the_mistake_had_never_been_made(course):
    at = course.shuffle % len(course.history)
    right = course.history[at]
    too_early = add_days(course.history[0].given_on, -1 - course.shuffle)
    slip = replace(right, given_on=too_early, dose_mg=1)
    entered = [*course.history]
    entered[at] = slip
    course.seen(history=entered)
    entered.remove(slip)
    entered.append(right)
    assert course.seen(history=entered) == course.found


def the_next_dose_does_not_depend_on_today(course):
    then, now = course.seen(today=course.last.given_on), course.found
    assert (now.next, now.flags, now.reasons) == (then.next, then.flags, then.reasons)


def the_projection_moves_forward(course):
    found = course.found
    assert len(found.projected) == (0 if found.state == "lapsed" else 3)
    assert all(before < after for before, after in pairwise(found.projected))
    assert all(day >= course.today for day in found.projected)


def what_was_projected_comes_true_when_the_dose_is_given_that_day(course):
    found = course.found
    if found.projected:
        dose = Infusion(found.projected[0], found.next.dose_mg)
        assert course.given(dose).found.projected[:2] == found.projected[1:]


def a_later_dose_never_brings_the_next_one_forward(course):
    later = replace(course.last, given_on=add_days(course.last.given_on, 1 + course.shuffle % 40))
    moved = replace(course, history=(*course.history[:-1], later), today=later.given_on)
    then, now = course.found.next, moved.found.next
    assert now.earliest >= then.earliest
    assert now.due >= then.due


def the_state_never_goes_back_as_days_pass(course):
    seen = [
        STATES.index(course.seen(today=add_days(course.today, days)).state)
        for days in (0, 1, 7, 30, 400)
    ]
    assert seen == sorted(seen)


def only_lateness_makes_dates_provisional(course):
    found = course.found
    assert found.days_past_due == max(0, (course.today - found.next.due).days)
    assert found.provisional == (found.days_past_due > 0 and found.state != "lapsed")


def a_flag_once_raised_stays(course):
    before = replay(course.regimen, course.history[:-1])
    assert course.found.flags[: len(before.flags)] == before.flags


def a_switch_keeps_the_clock(course):
    """From infusions to injections and back, at any point after the first dose."""
    if course.regimen is not OCREVUS_IV or len(course.history) < 2:
        return
    at = 2 + course.shuffle % (len(course.history) - 1)
    before = course.history[:at]
    after = [replace(one, dose_mg=920) for one in course.history[at:]]
    start = continued(OCREVUS_IV, before, to=OCREVUS_SC)
    switched = forecast(OCREVUS_SC, history=after, today=course.today, start=start)
    back = continued(OCREVUS_SC, after, start=start, to=OCREVUS_IV)
    found = course.found
    assert replace(switched.next, dose_mg=600) == found.next
    assert (switched.flags, switched.projected) == (found.flags, found.projected)
    assert forecast(OCREVUS_IV, today=course.today, start=back).next == found.next


def every_date_can_be_computed_again_from_its_trace(course):
    found = course.seen(holds=[Hold(course.today, add_days(course.today, course.shuffle), "")])
    names = [f"projected-{number}" for number in (1, 2, 3)]
    told = {one.name: one for one in found.trace}
    expected = {name: getattr(found.next, name) for name in found.next.__slots__[2:]}
    expected |= dict(zip(names, found.projected, strict=False))
    assert {name: one.on for name, one in told.items()} == expected
    for one in told.values():
        add = min_add if one.overflow == "roll-forward" else due_add
        assert one.on == add(one.anchor, one.interval * one.n)


def a_split_restart_is_a_course_of_its_own(course):
    """R13: what is given after a choice to split is dated as if nothing had been before it."""
    chosen_on = add_days(course.last.given_on, 400 + course.shuffle)
    parts = [
        Infusion(add_days(chosen_on, part.offset_days), part.dose_mg)
        for part in course.regimen.initial
    ]
    today = parts[-1].given_on
    again = forecast(
        course.regimen,
        today=today,
        history=[*course.history, *parts],
        restarts=[Restart(chosen_on, "split")],
    )
    alone = forecast(course.regimen, today=today, history=parts)
    assert (again.next, again.projected, again.state) == (alone.next, alone.projected, alone.state)


LAWS = [
    no_date_comes_before_the_minimum_gap,
    the_dates_are_in_order,
    the_order_of_entry_does_not_matter,
    a_correction_is_as_if_the_mistake_had_never_been_made,
    the_next_dose_does_not_depend_on_today,
    the_projection_moves_forward,
    what_was_projected_comes_true_when_the_dose_is_given_that_day,
    a_later_dose_never_brings_the_next_one_forward,
    the_state_never_goes_back_as_days_pass,
    only_lateness_makes_dates_provisional,
    a_flag_once_raised_stays,
    a_switch_keeps_the_clock,
    every_date_can_be_computed_again_from_its_trace,
    a_split_restart_is_a_course_of_its_own,
]


def every_law_holds(course):
    for law in LAWS:
        law(course)


def enforce(*, examples, number):
    print(f"{len(LAWS)} laws, {examples} courses, ENGINE_SEED={number}")
    limits = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow],
    )
    seed(number)(limits(given(course=courses())(every_law_holds)))()


def test_made_up_courses_obey_every_law():
    enforce(examples=120, number=SEED)


@pytest.mark.long
def test_fifty_thousand_made_up_courses_obey_every_law():
    number = int(os.environ.get("ENGINE_SEED") or random.SystemRandom().randrange(10**9))
    enforce(examples=50_000, number=number)


@pytest.mark.parametrize("start", ["2026-08-31", "2026-08-30", "2028-02-29", "2026-12-31"])
@pytest.mark.parametrize("regimen", REGIMENS.values(), ids=lambda one: one.code)
def test_fifty_years_on_time_do_not_drift(regimen, start):
    """Every dose on its due day: the hundredth is still counted from the first."""
    first = dt.date.fromisoformat(start)
    history = [Infusion(add_days(first, one.offset_days), one.dose_mg) for one in regimen.initial]
    nominal = [due_add(first, regimen.interval * cycle) for cycle in range(1, 102)]
    history += [Infusion(day, regimen.maintenance_mg) for day in nominal]
    for given_so_far in (*range(len(regimen.initial), 8), 51, 52, 100, 101):
        today = history[given_so_far - 1].given_on
        coming = forecast(regimen, history=history[:given_so_far], today=today).next
        assert coming.due == history[given_so_far].given_on
