"""A1 to A20: every open question has its answer, and the answer is the one in force."""

import importlib

import pytest

from schedules.engine.cautions import cautions
from schedules.engine.dates import due_add, min_add, months, weeks
from schedules.engine.history import continued
from schedules.engine.policy import CONTRACEPTION, DEFAULTS, LONG_GAP, VACCINES
from schedules.engine.regimens import OCREVUS_IV, OCREVUS_IV_24W, OCREVUS_SC
from schedules.engine.washout import washout
from tests.engine.saying import dates, day, dose, restart, seen_on

FIRST = "2026-03-10 300"
BOTH = (FIRST, "2026-03-24 300")
LAST = "2026-05-12 600"  # due on 12 November
ANSWERS = {one.number: one for one in DEFAULTS}


def value(number):
    return ANSWERS[number].value


def test_there_is_one_answer_to_each_question():
    assert [one.number for one in DEFAULTS] == [f"A{n}" for n in range(1, 21)]


@pytest.mark.parametrize("one", DEFAULTS, ids=lambda one: one.number)
def test_an_answer_says_why_and_where_it_acts(one):
    assert one.question
    assert one.answer
    assert one.why
    assert importlib.import_module(one.acts_in)


class TestTheAnswerInForce:
    def test_a1_a_due_date_clamps_and_a_minimum_rolls_forward(self):
        start = day("2026-08-31")
        assert (due_add(start, months(6)), min_add(start, months(6))) == dates(
            "2027-02-28", "2027-03-01"
        )

    def test_a2_the_minimum_counts_from_the_second_part(self):
        assert seen_on("2026-06-01", *BOTH).next.earliest == min_add(day("2026-03-24"), value("A2"))

    def test_a3_months_by_default_and_weeks_by_name(self):
        assert value("A3") == months(6) == OCREVUS_IV.interval
        assert OCREVUS_IV_24W.interval == weeks(24)

    def test_a4_an_early_dose_moves_the_anchor(self):
        early = seen_on("2026-11-22", LAST, "2026-11-11 600")
        assert early.position.anchor == day("2026-11-11")

    def test_a5_the_window_is_two_weeks_on_both_sides(self):
        dose = seen_on("2026-06-01", LAST).next
        early, late = value("A5")
        assert ((dose.due - dose.window_start).days, (dose.window_end - dose.due).days) == (
            early,
            late,
        )
        assert (early, late) == (14, 14)

    def test_a6_a_delay_is_serious_from_28_days(self):
        assert value("A6") == 28
        assert seen_on("2026-12-09", LAST).state == "overdue"
        assert seen_on("2026-12-10", LAST).state == "extended"

    def test_a7_a_late_second_part_is_reviewed_from_day_28(self):
        assert value("A7") == 28
        assert seen_on("2026-04-06", FIRST).state == "overdue"
        assert seen_on("2026-04-07", FIRST).state == "extended"

    def test_a8_the_second_part_is_not_before_day_14(self):
        assert value("A8") == 14
        assert seen_on("2026-03-11", FIRST).next.earliest == day("2026-03-24")

    def test_a9_a_clinician_decides_on_a_partial_dose_whatever_its_amount(self):
        for amount in (1, 599):
            partial = dose(f"2026-05-12 {amount}", outcome="partial")
            assert seen_on("2026-06-01", partial).state == "pending_clinician"
        assert value("A9") == ("count-as-given", "complete-remainder", "repeat")

    def test_a10_a_restart_is_chosen_and_never_made_by_the_engine(self):
        assert value("A10") == ("single", "split")
        states = {
            choice: seen_on("2027-06-02", LAST, restarts=[restart("2027-06-01", choice)]).state
            for choice in value("A10")
        }
        assert states == {"single": "extended", "split": "planned"}
        assert seen_on("2027-06-02", LAST).state == "lapsed"

    def test_a11_a_course_lapses_after_twelve_months(self):
        assert value("A11") == months(12)
        assert seen_on("2027-05-11", LAST).state == "extended"
        assert seen_on("2027-05-12", LAST).state == "lapsed"

    def test_a11_the_prescriber_is_asked_for_after_nine(self):
        def codes(on):
            found = cautions(OCREVUS_IV, [dose(LAST)], given_on=day(on), dose_mg=600)
            return [one.code for one in found]

        assert months(9) == LONG_GAP
        assert (codes("2027-02-12"), codes("2027-02-13")) == ([], ["long_gap"])

    def test_a12_a_transfer_counts_from_its_last_dose(self):
        assert seen_on("2026-06-01", LAST).position.anchor == day("2026-05-12")

    def test_a13_a_change_to_the_injection_keeps_the_clock(self):
        start = continued(OCREVUS_IV, [dose(LAST)], to=OCREVUS_SC)
        found = seen_on("2026-06-01", regimen=OCREVUS_SC, start=start).next
        assert (found.step, found.due) == ("maintenance", day("2026-11-12"))

    def test_a14_after_natalizumab(self):
        rule, found = value("A14"), washout("natalizumab", day("2026-03-01"))
        assert (rule.earliest.days, rule.target.days, rule.alert_after.days) == (28, 42, 45)
        assert found.earliest_on == due_add(day("2026-03-01"), rule.earliest)

    @pytest.mark.parametrize(
        ("region", "live", "non_live"),
        [
            ("us", "2026-12-14", "2026-12-28"),
            ("eu", "2026-11-30", "2026-11-30"),
            ("uk", "2026-11-30", "2026-11-30"),
        ],
    )
    def test_a15_vaccines_by_the_label_of_the_region(self, region, live, non_live):
        assert value("A15") is VACCINES
        start, found = day("2027-01-11"), VACCINES[region]
        assert (found.live_by(start), found.non_live_by(start)) == dates(live, non_live)
        assert found.source

    def test_a16_a_live_vaccine_after_stopping_needs_a_b_cell_result(self):
        assert value("A16") == "b-cell-result"

    @pytest.mark.parametrize(
        ("region", "until"), [("us", "2027-03-01"), ("eu", "2027-08-31"), ("uk", "2026-12-31")]
    )
    def test_a17_contraception_by_region_and_with_the_date_of_the_source(self, region, until):
        assert value("A17") is CONTRACEPTION
        found = CONTRACEPTION[region]
        assert found.until(day("2026-08-31")) == day(until)
        assert (bool(found.source), found.read_in) == (True, "2026-11")

    def test_a18_nobody_under_18(self):
        assert value("A18") == 18

    def test_a19_blood_tests_every_six_months_before_due(self):
        assert value("A19") == (months(6), (28, 14))

    def test_a20_a_minimum_gap_that_only_a_reason_overrides(self):
        assert value("A20") == OCREVUS_IV.min_gap == months(5)
