"""The law of corrections: recorded wrong, then put right, is the same as right at once.

The same forecast, the same stored course, the same open visits, whatever the mistake was.
"""

import datetime as dt
import random
import time
from typing import Any

import pytest

from ocrevus_tracker.accounts.models import User
from schedules import actions
from schedules.models import Course, Patient
from tests.cast import NEW_YORK, NOW, days, make_patient

HISTORIES = 8

# An event is an infusion, as the facts to record, or a visit: {"visit": day}. In order of entry,
# each entered at noon of its own `on`.
Event = dict[str, Any]

START = dt.date(2024, 8, 31)
STORED = (
    *("started_on", "stopped_on", "stop_reason", "contraindicated", "ordered_for"),
    *("next_step", "next_dose_mg", "next_earliest_on", "next_due_on", "lapses_on"),
)


def given(after: int, dose_mg: int = 600, *, entered: int = 0, **facts: object) -> Event:
    """An infusion `after` days from START, entered so many days later."""
    day = START + days(after)
    return {"on": day + days(entered), "given_on": day, "dose_mg": dose_mg} | facts


def visit(after: int, *, booked: int) -> Event:
    return {"on": START + days(booked), "visit": START + days(after)}


FIRST_DOSE = [given(0, 300), given(14, 300)]


def noon(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(12), NEW_YORK)


def live(course: Course, actor: User, events: list[Event], slip: dict[int, Event]) -> None:
    """Let `events` happen, those numbered in `slip` with its mistakes; then put these right."""
    wrong = {}
    for number, event in enumerate(events):
        facts = event | slip.get(number, {})
        now = noon(facts.pop("on"))
        shared = {"course": course, "actor": actor, "now": now}
        if day := facts.pop("visit", None):
            actions.book_visit(**shared, starts_at=noon(day), reason="Agreed")
            continue
        entered_for_nothing = facts.pop("never", False)
        made = actions.record_infusion(**shared, **facts).infusion
        if entered_for_nothing or number in slip:
            wrong[made] = event
    for infusion, right in wrong.items():
        put_right(infusion, actor, right, slip)


def put_right(infusion, actor, right: Event, slip: dict[int, Event]) -> None:
    shared = {"infusion": infusion, "actor": actor, "now": NOW, "revision": 0, "reason": "x"}
    if right.get("never"):
        actions.void_infusion(**shared)
        return
    mistaken = {name for mistakes in slip.values() for name in mistakes} - {"on"}
    defaults = {"outcome": "completed", "disposition": "", "reaction": "", "remainder": False}
    actions.correct_infusion(**shared, **{one: (defaults | right)[one] for one in mistaken})


def outcome(patient: Patient) -> tuple[object, ...]:
    course = Course.objects.get(patient=patient)
    booked = [one.starts_at for one in course.appointments.booked()]
    stored = [getattr(course, name) for name in STORED]
    return stored, booked, course.forecast(NOW.date())


def assert_the_law(harbor, actor: User, events: list[Event], slip: dict[int, Event]) -> None:
    right = make_patient(harbor, actor, "Right", now=noon(START - days(60)))
    wrong = make_patient(harbor, actor, "Wrong", now=noon(START - days(60)))
    live(right.course, actor, [one for one in events if "never" not in one], {})
    live(wrong.course, actor, events, slip)
    assert outcome(wrong) == outcome(right)


@pytest.mark.parametrize(
    ("events", "slip"),
    [
        pytest.param([*FIRST_DOSE, given(181)], {0: {"given_on": START - days(3)}}, id="anchor"),
        pytest.param([*FIRST_DOSE, given(181)], {2: {"given_on": START + days(180)}}, id="date"),
        pytest.param([*FIRST_DOSE, given(181)], {1: {"dose_mg": 600}}, id="dose of the second"),
        pytest.param([*FIRST_DOSE], {0: {"dose_mg": 600}}, id="first looks moved here"),
        pytest.param(
            [*FIRST_DOSE, given(181)],
            {2: {"outcome": "partial", "dose_mg": 250}},
            id="not stopped early",
        ),
        pytest.param(
            [
                given(0, 200, outcome="partial", disposition="complete-remainder"),
                given(3, 100, remainder=True),
                given(17, 300),
            ],
            {2: {"given_on": START + days(16)}},
            id="after a first dose in parts",
        ),
        pytest.param(
            [*FIRST_DOSE, visit(181, booked=20), visit(366, booked=21), given(181)],
            {4: {"reaction": "life-threatening"}},
            id="no such reaction, visits booked",
        ),
        pytest.param(
            [*FIRST_DOSE, visit(181, booked=20), given(181, reaction="life-threatening")],
            {3: {"reaction": "mild"}},
            id="such a reaction after all",
        ),
        pytest.param(
            [*FIRST_DOSE, visit(181, booked=20), given(100, never=True), given(181)],
            {},
            id="another patient's, then the visit was kept",
        ),
        pytest.param(
            [*FIRST_DOSE, visit(181, booked=20), given(178, never=True)],
            {},
            id="another patient's, and the visit is still to come",
        ),
        pytest.param([given(0, 300, never=True)], {}, id="the only one there was"),
        pytest.param(
            [*FIRST_DOSE, given(181), given(90, entered=100, never=True)],
            {},
            id="entered late and wrong",
        ),
    ],
)
def test_hand_made_histories(harbor, priya, events, slip):
    assert_the_law(harbor, priya, events, slip)


def test_histories_made_at_random(harbor, priya):
    seed = time.time_ns() % 1_000_000
    print(f"seed {seed}")  # shown with a failure: put it in place of the clock to see it again
    chance = random.Random(seed)
    matched = 0
    for _attempt in range(5 * HISTORIES):
        try:
            assert_the_law(harbor, priya, *made_up(chance))
            matched += 1
        except (actions.UnableToRecordInfusion, actions.UnableToBook):
            continue  # the mistake made what came after it impossible
        if matched == HISTORIES:
            return
    pytest.fail("hardly any history could be told")


def made_up(chance: random.Random) -> tuple[list[Event], dict[int, Event]]:
    """A history of a few infusions with visits, and one mistake in it."""
    events = [*FIRST_DOSE] if chance.random() < 0.7 else [given(0)]
    day = (events[-1]["given_on"] - START).days
    for _cycle in range(chance.randint(0, 3)):
        day += chance.choice([170, 182, 184, 200, 240])
        if chance.random() < 0.6:
            events.append(visit(day + chance.choice([-5, 0, 0, 6]), booked=day - 30))
        if day < (NOW.date() - START).days:
            events.append(given(day, chance.choice([600, 600, 450]), entered=chance.choice([0, 2])))
    number = chance.choice([at for at, one in enumerate(events) if "given_on" in one])
    if chance.random() < 0.3:
        extra = given((events[number]["given_on"] - START).days + 1, never=True)
        return [*events[: number + 1], extra, *events[number + 1 :]], {}
    mistake = chance.choice(
        [
            {"given_on": events[number]["given_on"] - days(chance.randint(1, 9))},
            {"dose_mg": chance.choice([150, 300, 600])},
            {"outcome": "partial", "disposition": "repeat"},
            {"outcome": "partial", "disposition": "count-as-given"},
            {"reaction": "life-threatening"},
        ]
    )
    if all(events[number].get(name) == value for name, value in mistake.items()):
        mistake = {"dose_mg": 333}
    return events, {number: mistake}
