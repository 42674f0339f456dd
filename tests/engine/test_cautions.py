"""What is asked before an infusion is recorded (ux 2.11): questions, never refusals."""

import pytest

from schedules.engine.cautions import cautions, elapsed, planned_mg
from schedules.engine.dates import months
from schedules.engine.history import continued
from schedules.engine.regimens import BRIUMVI, OCREVUS_IV, OCREVUS_SC
from tests.engine.saying import day, dose, restart


def asked(given_on, amount, *before, regimen=OCREVUS_IV, **more):
    history = [dose(one) if isinstance(one, str) else one for one in before]
    found = cautions(regimen, history, given_on=day(given_on), dose_mg=amount, **more)
    return [str(one) for one in found]


class TestNothingIsAsked:
    def test_of_a_first_infusion(self):
        assert asked("2026-03-10", 300) == []

    def test_of_a_second_part_on_its_day(self):
        assert asked("2026-03-24", 300, "2026-03-10 300") == []

    def test_of_a_second_part_less_than_a_week_late(self):
        assert asked("2026-03-30", 300, "2026-03-10 300") == []

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

    def test_of_a_second_part_a_week_late(self):
        assert len(asked("2026-03-31", 300, "2026-03-10 300")) == 1

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


class TestAfterAChoiceToRestart:
    LAPSED = "2025-09-18 600"

    def asked(self, choice, amount, on="2026-12-07"):
        return asked(on, amount, self.LAPSED, restarts=[restart("2026-12-01", choice)])

    def test_no_gap_is_too_long(self):
        assert self.asked("single", 600) == []

    def test_a_first_dose_is_planned_where_it_is_given_in_two_parts_again(self):
        assert self.asked("split", 300) == []
        assert self.asked("split", 600) == [
            "The plan says 300 mg. You chose 600 mg. Is the dose right?"
        ]

    def test_a_dose_before_the_choice_is_asked_about_as_ever(self):
        (question,) = self.asked("split", 600, on="2026-11-30")
        assert question.startswith("It has been 14 months and 12 days")

    def test_a_dose_on_the_day_of_the_choice_is_what_was_chosen(self):
        assert self.asked("split", 300, on="2026-12-01") == []


class TestAfterAChangeToTheInjection:
    def asked(self, on, amount):
        start = continued(OCREVUS_IV, [dose("2026-05-12 600")], to=OCREVUS_SC)
        return asked(on, amount, regimen=OCREVUS_SC, start=start)

    def test_a_maintenance_dose_is_planned(self):
        assert self.asked("2026-11-12", 920) == []

    def test_the_minimum_counts_from_the_last_infusion(self):
        (question,) = self.asked("2026-10-11", 920)
        assert question.startswith("This is 4 months and 29 days after the last infusion (May 12")

    def test_the_gap_counts_from_the_last_infusion(self):
        assert len(self.asked("2027-02-13", 920)) == 1


class TestARemainder:
    BEGUN = dose("2026-11-12 200", outcome="partial", disposition="complete-remainder")
    BEFORE = ("2026-05-12 600", BEGUN)

    def test_is_planned_as_what_is_left_of_the_dose(self):
        assert asked("2026-11-15", 400, *self.BEFORE, remainder=True) == []
        assert asked("2026-11-15", 600, *self.BEFORE, remainder=True) == [
            "The plan says 400 mg. You chose 600 mg. Is the dose right?"
        ]

    def test_may_come_in_several_parts(self):
        second = dose("2026-11-14 300", remainder=True)
        assert asked("2026-11-15", 100, *self.BEFORE, second, remainder=True) == []

    def test_of_an_earlier_dose_is_not_judged_by_a_later_one(self):
        assert asked("2026-11-15", 400, *self.BEFORE, "2027-05-12 600", remainder=True) == []

    def test_of_the_first_dose_is_what_is_left_of_that(self):
        begun = dose("2026-05-12 120", outcome="partial", disposition="complete-remainder")
        assert asked("2026-05-13", 180, begun, remainder=True) == []

    def test_of_a_dose_that_was_whole_is_nothing(self):
        more = dose("2026-11-12 700", outcome="partial", disposition="complete-remainder")
        assert planned_mg(OCREVUS_IV, [more], given_on=day("2026-11-15"), remainder=True) == 0

    def test_of_nothing_is_a_whole_dose(self):
        assert planned_mg(OCREVUS_IV, [], given_on=day("2026-11-15"), remainder=True) == 300


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
    history = [dose(one) for one in before]
    assert planned_mg(regimen, history, given_on=day("2026-12-31")) == amount


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
