"""What is asked before an infusion is recorded (ux 2.11): questions, never refusals."""

import pytest

from schedules.engine.cautions import cautions, elapsed
from schedules.engine.dates import months
from schedules.engine.history import replay
from schedules.engine.regimens import BRIUMVI, OCREVUS_IV, OCREVUS_SC
from tests.engine.saying import day, dose


def asked(given_on, amount, *before, regimen=OCREVUS_IV, **more):
    history = [dose(one) for one in before]
    found = cautions(regimen, history, given_on=day(given_on), dose_mg=amount, **more)
    return [str(one) for one in found]


class TestNothingIsAsked:
    def test_of_a_first_infusion(self):
        assert asked("2026-03-10", 300) == []

    def test_of_a_second_part_on_its_day(self):
        assert asked("2026-03-24", 300, "2026-03-10 300") == []

    def test_of_a_second_part_on_the_last_day_of_its_window(self):
        assert asked("2026-03-31", 300, "2026-03-10 300") == []

    def test_of_a_dose_on_the_first_permissible_day(self):
        assert asked("2026-08-24", 600, "2026-03-10 300", "2026-03-24 300") == []

    def test_of_a_dose_exactly_nine_months_after_the_last(self):
        assert asked("2026-12-24", 600, "2026-03-10 300", "2026-03-24 300") == []


class TestAQuestionIsAsked:
    def test_of_a_dose_one_day_before_its_minimum(self):
        assert asked("2026-08-23", 600, "2026-03-10 300", "2026-03-24 300") == [
            (
                "This is 4 months and 30 days after the last infusion (March 24, 2026). "
                "The label says at least 5 months. Is the date right?"
            )
        ]

    def test_that_never_says_five_months_of_less_than_five(self):
        # 30 September plus five months has no 30 February: the minimum is 1 March.
        (question,) = asked("2027-02-28", 600, "2026-09-30 600")
        assert question.startswith("This is 4 months and 29 days after")

    def test_of_an_amount_the_plan_does_not_have(self):
        assert asked("2026-03-24", 600, "2026-03-10 300") == [
            "The plan says 300 mg. You chose 600 mg. Is the dose right?"
        ]

    def test_of_a_second_part_one_day_early(self):
        assert asked("2026-03-23", 300, "2026-03-10 300") == [
            "Visit 2 is 13 days after visit 1. The plan is about 14. Is the date right?"
        ]

    def test_of_a_second_part_after_its_window(self):
        assert len(asked("2026-04-01", 300, "2026-03-10 300")) == 1

    def test_of_a_dose_more_than_nine_months_after_the_last(self):
        assert asked("2026-12-25", 600, "2026-03-10 300", "2026-03-24 300") == [
            (
                "It has been 9 months and 1 day since the last infusion. "
                "Has the prescriber agreed the plan?"
            )
        ]

    def test_of_a_gap_that_the_clinic_calls_long(self):
        assert len(asked("2026-09-11", 600, "2026-03-10 600", long_gap=months(6))) == 1

    def test_with_the_most_serious_first(self):
        rules = cautions(
            OCREVUS_IV, [dose("2026-05-12 600")], given_on=day("2026-06-12"), dose_mg=300
        )
        assert [one.rule for one in rules] == ["R6", "R1"]


def test_a_back_dated_infusion_is_judged_in_its_place():
    assert asked("2026-03-24", 300, "2026-03-10 300", "2026-09-10 600") == []


@pytest.mark.parametrize(
    ("regimen", "before", "amount"),
    [
        (OCREVUS_IV, [], 300),
        (BRIUMVI, [], 150),
        (BRIUMVI, ["2026-03-10 150"], 450),
        (OCREVUS_SC, ["2026-03-10 920"], 920),
    ],
)
def test_the_expected_amount_is_that_of_the_next_step(regimen, before, amount):
    assert regimen.dose_mg(replay(regimen, [dose(one) for one in before]).step) == amount


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2026-03-10", "2026-03-10", "0 days"),
        ("2026-03-10", "2026-03-11", "1 day"),
        ("2026-03-10", "2026-04-10", "1 month"),
        ("2026-03-10", "2026-07-12", "4 months and 2 days"),
        ("2026-01-31", "2026-02-28", "28 days"),
        ("2025-11-30", "2026-12-31", "13 months and 1 day"),
    ],
)
def test_time_that_passed_is_told_in_whole_months_and_days(start, end, words):
    assert elapsed(day(start), day(end)) == words
