"""Why this date: the sentences under a date, true to the dates they explain."""

import datetime as dt

from schedules.engine.regimens import OCREVUS_IV_24W, OCREVUS_SC
from tests.engine.saying import dose, hold, restart, seen_on

BOTH = ("2026-08-31 300", "2026-09-14 300")


def told(today, *doses, **more):
    return [str(reason) for reason in seen_on(today, *doses, **more).reasons]


class TestTheReasonsTell:
    def test_nothing_before_anything_is_ordered(self):
        assert told("2026-06-01") == []

    def test_of_the_ordered_day(self):
        assert told("2026-06-01", ordered_for=dt.date(2026, 7, 4)) == [
            "Your first infusion is planned for July 4, 2026."
        ]

    def test_where_the_second_part_comes_from(self):
        assert told("2026-09-01", "2026-08-31 300")[-1] == (
            "The second part of the first dose is given 2 weeks later. "
            "August 31, 2026 plus 2 weeks is September 14, 2026."
        )

    def test_that_the_first_infusion_counts_and_that_the_month_is_short(self):
        assert told("2026-11-22", *BOTH) == [
            "Your first infusion was on August 31, 2026.",
            "The next dose is counted from your first infusion.",
            (
                "Infusions are planned 6 months apart. "
                "August 31, 2026 plus 6 months is February 28, 2027."
            ),
            "That month has no day 31, so it is the last day of the month.",
        ]

    def test_that_a_dose_on_its_day_keeps_the_count(self):
        assert told("2027-03-05", *BOTH, "2027-02-28 600") == [
            (
                "Your last infusion was on February 28, 2027, just as planned, "
                "so we go on counting from August 31, 2026."
            ),
            (
                "Infusions are planned 6 months apart. "
                "August 31, 2026 plus 12 months is August 31, 2027."
            ),
        ]

    def test_that_a_late_dose_starts_the_count_anew(self):
        assert told("2027-03-05", *BOTH, "2027-03-01 600")[1] == (
            "Your last infusion was later than planned, so we count from the day you had it."
        )

    def test_that_an_early_dose_starts_the_count_anew(self):
        assert told("2027-03-05", *BOTH, "2027-02-27 600")[1] == (
            "Your last infusion was earlier than planned, so we count from the day you had it."
        )

    def test_only_of_the_last_infusion_after_a_transfer(self):
        assert told("2026-11-22", "2026-05-12 600")[0] == "Your last infusion was on May 12, 2026."

    def test_that_the_minimum_gap_pushed_the_date(self):
        late_second = ("2026-03-10 300", "2026-04-14 300")
        assert told("2026-04-20", *late_second)[-1] == (
            "At least 5 months must pass after the last infusion, "
            "so it cannot be before September 14, 2026."
        )

    def test_no_lateness_of_a_dose_on_its_pushed_date(self):
        given = ("2026-03-10 300", "2026-04-14 300", "2026-09-14 600")
        assert told("2026-09-15", *given)[0] == "Your last infusion was on September 14, 2026."
        assert len(told("2026-09-15", *given)) == 2

    def test_of_weeks_where_the_regimen_counts_weeks(self):
        assert told("2026-09-01", "2026-05-12 600", regimen=OCREVUS_IV_24W)[-1] == (
            "Infusions are planned 24 weeks apart. May 12, 2026 plus 24 weeks is October 27, 2026."
        )

    def test_of_a_restart_in_two_parts(self):
        chosen = [restart("2026-12-01", "split")]
        assert told("2026-12-08", "2025-09-18 600", restarts=chosen) == [
            "Your treatment starts again with a first dose in two parts."
        ]

    def test_of_a_restart_where_the_first_dose_has_one_part(self):
        chosen = [restart("2026-12-01", "split")]
        told_of = told("2026-12-08", "2025-09-18 920", restarts=chosen, regimen=OCREVUS_SC)
        assert told_of == ["Your treatment starts again with a first dose."]

    def test_of_a_restart_with_one_dose(self):
        chosen = [restart("2026-12-01", "single")]
        assert told("2026-12-08", "2025-09-18 600", restarts=chosen)[:2] == [
            "Your treatment goes on with one full dose.",
            "Your last infusion was on September 18, 2025.",
        ]

    def test_that_treatment_started_again(self):
        lapsed, chosen = "2025-09-18 600", [restart("2026-12-01", "split")]
        one_part = (lapsed, "2026-12-07 300")
        assert told("2026-12-08", *one_part, restarts=chosen)[0] == (
            "Your treatment started again on December 7, 2026."
        )
        assert told("2026-12-22", *one_part, "2026-12-21 300", restarts=chosen)[:2] == [
            "Your treatment started again on December 7, 2026.",
            "The next dose is counted from that day.",
        ]

    def test_nothing_of_a_restart_once_treatment_is_stopped(self):
        chosen, stopped = [restart("2026-12-01", "split")], dt.date(2026, 12, 5)
        assert told("2026-12-08", "2025-09-18 600", restarts=chosen, stopped_on=stopped) == []

    def test_that_two_parts_count_from_the_first(self):
        parts = remainder("2026-06-03", "2026-06-10")
        assert told("2026-07-01", *parts)[0] == (
            "Your last dose was given in two parts. We count from the first, on June 3, 2026."
        )


def remainder(first, second):
    begun = dose(f"{first} 200", outcome="partial", disposition="complete-remainder")
    return begun, dose(f"{second} 400", remainder=True)


class TestTheReasonsOfAHold:
    GIVEN = "2026-05-12 600"  # from 12 October, due 12 November

    def told(self, end, start="2026-10-01"):
        return told("2026-10-05", self.GIVEN, holds=[hold(start, end)])[2:]

    def test_nothing_where_it_ends_before_a_dose_is_possible(self):
        assert self.told("2026-10-12") == []

    def test_that_it_moves_the_first_possible_day_only(self):
        assert self.told("2026-10-13") == [
            "No infusion is given before October 13, 2026. The due date stays the same."
        ]
        assert len(self.told("2026-11-12")) == 1

    def test_that_it_makes_the_dose_late(self):
        assert self.told("2026-11-13") == [
            "No infusion is given before November 13, 2026, so it will be later than planned."
        ]

    def test_that_it_has_no_end_yet(self):
        assert self.told(None) == [
            "No infusion is given for now. Your clinic will say when you can go on."
        ]

    def test_nothing_of_one_that_is_not_in_force(self):
        assert self.told(None, start="2026-10-06") == []


class TestTheReasonsNeverContradictTheDate:
    def test_a_dose_on_its_nominal_day_but_before_its_minimum_kept_the_count(self):
        # The second part came so late that 28 February was too early; R5 still keeps the anchor.
        given = ("2026-08-31 300", "2026-10-05 300", "2027-02-28 600")
        assert "count from the day you had it" not in " ".join(told("2027-03-05", *given))

    def test_a_late_dose_in_two_parts_counts_from_the_first_part(self):
        given = ("2026-01-10 600", *remainder("2026-07-12", "2026-07-15"))
        assert told("2026-08-01", *given)[0] == (
            "Your last dose was given in two parts. We count from the first, on July 12, 2026."
        )


def test_a_reason_carries_its_rule_its_anchor_and_its_protocol():
    """R18: every computed date can be traced."""
    (reason,) = (one for one in seen_on("2026-11-22", *BOTH).reasons if one.code == "interval")
    facts = dict(reason.facts)
    assert reason.rule == "R5"
    assert (facts["anchor"], facts["cycle"]) == (dt.date(2026, 8, 31), 1)
    assert facts["regimen"] == "ocrevus-iv 2026-11"
