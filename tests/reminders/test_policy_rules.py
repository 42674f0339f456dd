"""A clinic's own rules: whatever its policy says, no gap, no overlap, nothing out of turn."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reminders import policy_rules, rules

from .test_rules import fitting


def test_with_the_usual_numbers_the_usual_rules_come_of_it():
    usual = policy_rules.policy_for(booking_opens_days=70, late_after_days=3)
    assert usual == rules.POLICY


@pytest.mark.parametrize("opens", [0, 10, 21, 30, 42, 43, 70, 100])
@pytest.mark.parametrize("late", [0, 1, 3, 20, 21, 30, 60])
def test_a_clinics_own_numbers_leave_no_gap_and_no_overlap(opens, late):
    policy = policy_rules.policy_for(booking_opens_days=opens, late_after_days=late)
    for days in range(-110, 110):
        found = fitting("maintenance", "due", days, policy)
        assert len(found) == (1 if -opens <= days <= 69 else 0), (days, found)
        assert all(kind.startswith("overdue") == (days >= late) for kind in found)


POLICIES = st.fixed_dictionaries(
    {},
    optional={kind: st.integers(*limits) for kind, limits in policy_rules.LIMITS.items()},
)
OPENS, LATE = st.integers(0, 365), st.integers(0, 365)
# A busy machine is no failure of a rule.
patiently = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@patiently
@given(rows=POLICIES, opens=OPENS, late=LATE)
def test_no_two_windows_of_the_due_date_ever_overlap(rows, opens, late):
    policy = policy_rules.policy_for(booking_opens_days=opens, late_after_days=late, rows=rows)
    for step in ("initial-2", "maintenance"):
        windows = sorted(
            (rule.first_day, rule.last_day)
            for rule in policy
            if rule.anchor == "due" and step in rule.steps
        )
        assert all(first <= last for first, last in windows)
        assert all(one[1] < other[0] for one, other in pairwise(windows))


@patiently
@given(rows=POLICIES, opens=OPENS, late=LATE)
def test_no_day_is_left_out_between_two_windows_on_the_same_side(rows, opens, late):
    policy = policy_rules.policy_for(booking_opens_days=opens, late_after_days=late, rows=rows)
    for side in (policy_rules.BOOKING_STEPS, policy_rules.LATE_STEPS):
        windows = sorted((rule.first_day, rule.last_day) for rule in policy if rule.kind in side)
        assert all(one[1] + 1 == other[0] for one, other in pairwise(windows))


@patiently
@given(rows=POLICIES, opens=OPENS, late=LATE)
def test_a_policy_sends_what_it_names_and_nothing_else_but_answers(rows, opens, late):
    sound = policy_rules.out_of_order(rows, booking_opens_days=opens, late_after_days=late) == []
    policy = policy_rules.policy_for(booking_opens_days=opens, late_after_days=late, rows=rows)
    sent = {rule.kind: rule.first_day for rule in policy if rule.kind in policy_rules.LIMITS}
    assert sent.items() <= rows.items() or not sound
    assert sent == rows or not sound
    assert {"recorded", "date-moved"} <= {rule.kind for rule in policy}


@patiently
@given(rows=POLICIES, opens=OPENS, late=LATE)
def test_nobody_is_asked_to_book_before_booking_opens_or_once_it_is_late(rows, opens, late):
    policy = policy_rules.policy_for(booking_opens_days=opens, late_after_days=late, rows=rows)
    opens_on, late_on = rows.get("book-1", -opens), rows.get("overdue-1", late)
    for rule in policy:
        if rule.kind in policy_rules.BOOKING_STEPS:
            assert opens_on <= rule.first_day <= rule.last_day < late_on
        if rule.kind in policy_rules.LATE_STEPS:
            assert rule.first_day >= late_on


@patiently
@given(opens=OPENS, late=LATE)
def test_rows_with_the_clinics_two_numbers_say_the_same_as_the_numbers(opens, late):
    rows = policy_rules.DEFAULT | {"book-1": -opens, "overdue-1": late}
    assert policy_rules.policy_for(
        booking_opens_days=opens, late_after_days=late
    ) == policy_rules.policy_for(booking_opens_days=0, late_after_days=0, rows=rows)


@pytest.mark.parametrize(
    ("rows", "last"),
    [
        ({"overdue-1": 3}, 30),
        ({"overdue-1": 3, "overdue-2": 21}, 48),
        ({"overdue-1": 3, "overdue-3": 42}, 69),
    ],
)
def test_the_last_mail_about_a_late_visit_may_go_for_four_weeks(rows, last):
    policy = policy_rules.policy_for(booking_opens_days=70, late_after_days=3, rows=rows)
    assert max(rule.last_day for rule in policy if rule.anchor == "due") == last


def test_a_kind_left_out_leaves_its_days_to_the_one_before_it():
    rows = {kind: days for kind, days in policy_rules.DEFAULT.items() if kind != "book-2"}
    policy = policy_rules.policy_for(booking_opens_days=70, late_after_days=3, rows=rows)
    assert fitting("maintenance", "due", -30, policy) == ["book-1"]
    assert fitting("maintenance", "visit", -7, policy) == ["prepare"]


def test_without_the_first_mail_about_a_late_visit_nothing_asks_to_book_once_it_is_late():
    rows = {kind: days for kind, days in policy_rules.DEFAULT.items() if kind != "overdue-1"}
    policy = policy_rules.policy_for(booking_opens_days=70, late_after_days=3, rows=rows)
    assert fitting("maintenance", "due", 2, policy) == ["book-3"]
    assert fitting("maintenance", "due", 3, policy) == []
    assert fitting("maintenance", "due", 21, policy) == ["overdue-2"]


@pytest.mark.parametrize(
    "rows",
    [
        {"book-1": 0}, {"book-1": -366}, {"overdue-1": -1}, {"overdue-3": 366}, {"prepare": -15},
        {"prepare": -1}, {"day-before": -2}, {"second-visit": -14}, {"recorded": 1},
        {"book-1": "-70"}, {"book-1": True}, {"book-1": -70.5},
    ],
)  # fmt: skip
def test_days_that_no_policy_may_have(rows):
    assert policy_rules.out_of_limits(rows) == list(rows)


def test_the_usual_policy_is_sound():
    assert policy_rules.out_of_limits(policy_rules.DEFAULT) == []
    assert (
        policy_rules.out_of_order(policy_rules.DEFAULT, booking_opens_days=70, late_after_days=3)
        == []
    )


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"book-2": -70}, [("book-2", "book-1")]),
        ({"book-3": -43}, [("book-3", "book-2")]),
        ({"overdue-2": 3}, [("overdue-2", "overdue-1")]),
        (
            {"overdue-1": 21, "overdue-3": 21},
            [("overdue-2", "overdue-1"), ("overdue-3", "overdue-2")],
        ),
    ],
)
def test_the_order_of_the_mails_is_kept(changes, wrong):
    rows = policy_rules.DEFAULT | changes
    assert policy_rules.out_of_order(rows, booking_opens_days=70, late_after_days=3) == wrong


def test_what_is_left_out_still_says_when_booking_opens():
    assert policy_rules.out_of_order({"book-2": -80}, booking_opens_days=70, late_after_days=3) == [
        ("book-2", "book-1")
    ]
