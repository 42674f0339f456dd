"""The clinical rules R1 to R15, one class each, with real dates written out."""

import pytest

from schedules.engine.forecast import HistoryError
from schedules.engine.regimens import BRIUMVI, OCREVUS_IV, OCREVUS_IV_24W, OCREVUS_SC
from tests.engine.saying import dates, day, dose, hold, restart, seen_on

FIRST = "2026-03-10 300"
BOTH = (FIRST, "2026-03-24 300")
AT_MONTH_END = ("2026-08-31 300", "2026-09-14 300")


class TestR1InputsThatCount:
    @pytest.mark.parametrize("amount", ["0", "-300"])
    def test_a_dose_of_nothing_is_refused(self, amount):
        with pytest.raises(HistoryError, match="more than 0 mg"):
            seen_on("2026-06-01", f"2026-03-10 {amount}")

    def test_a_dose_of_one_milligram_is_not_refused(self):
        assert seen_on("2026-06-01", "2026-03-10 1").next

    def test_an_infusion_in_the_future_is_refused(self):
        with pytest.raises(HistoryError, match="2026-03-10 is after today"):
            seen_on("2026-03-09", FIRST)

    def test_an_infusion_of_today_is_not(self):
        assert seen_on("2026-03-10", FIRST).state == "not_eligible"

    def test_two_infusions_on_one_day_are_refused(self):
        with pytest.raises(HistoryError, match="two infusions on 2026-03-10"):
            seen_on("2026-06-01", FIRST, FIRST)

    def test_a_remainder_of_nothing_is_refused(self):
        with pytest.raises(HistoryError, match="no first part"):
            seen_on("2026-06-01", FIRST, dose("2026-03-12 100", remainder=True))

    def test_a_complete_infusion_leaves_nothing_to_decide(self):
        with pytest.raises(HistoryError, match="nothing to decide"):
            seen_on("2026-06-01", dose("2026-05-01 600", disposition="repeat"))

    def test_a_remainder_may_come_in_several_parts(self):
        begun = dose("2026-05-01 200", outcome="partial", disposition="complete-remainder")
        parts = [dose(f"2026-05-0{n} 200", remainder=True) for n in (3, 5)]
        assert seen_on("2026-06-01", begun, *parts).next.earliest == day("2026-10-05")


class TestR2FirstInfusion:
    def test_without_an_order_nothing_is_next(self):
        found = seen_on("2026-06-01")
        assert (found.state, found.next, found.projected) == ("not_started", None, ())

    def test_the_ordered_day_is_the_date(self):
        found = seen_on("2026-11-22", ordered_for=day("2026-12-01"))
        assert (found.state, found.next.step) == ("planned", "initial-1")
        assert found.next.earliest == found.next.due == day("2026-12-01")
        assert (found.next.window_start, found.next.window_end) == (None, None)

    def test_the_second_part_and_maintenance_follow_from_it(self):
        found = seen_on("2026-11-22", ordered_for=day("2027-08-31"))
        assert found.projected == dates("2027-08-31", "2027-09-14", "2028-02-29")

    def test_a_dose_in_one_part_is_followed_by_maintenance(self):
        found = seen_on("2026-11-22", ordered_for=day("2026-12-31"), regimen=OCREVUS_SC)
        assert found.projected == dates("2026-12-31", "2027-06-30", "2027-12-31")

    def test_an_order_that_passed_moves_with_today(self):
        found = seen_on("2026-12-02", ordered_for=day("2026-12-01"))
        assert (found.days_past_due, found.provisional) == (1, True)
        assert found.projected == dates("2026-12-02", "2026-12-16", "2027-06-02")

    def test_once_given_the_order_means_nothing(self):
        found = seen_on("2026-03-11", FIRST, ordered_for=day("2026-12-01"))
        assert found.next.step == "initial-2"


class TestR3SecondPart:
    @pytest.mark.parametrize(
        ("today", "state"),
        [
            ("2026-03-23", "not_eligible"),
            ("2026-03-24", "in_window"),  # day 14
            ("2026-03-25", "late"),
            ("2026-03-31", "late"),  # day 21
            ("2026-04-01", "overdue"),  # day 22
            ("2026-04-06", "overdue"),
            ("2026-04-07", "extended"),  # day 28
            ("2026-09-09", "extended"),
            ("2026-09-10", "lapsed"),  # six months
        ],
    )
    def test_the_state_changes_on_its_day(self, today, state):
        assert seen_on(today, FIRST).state == state

    def test_it_is_due_two_weeks_after_the_first(self):
        found = seen_on("2028-03-01", "2028-02-29 300").next
        assert found.earliest == found.due == found.window_start == day("2028-03-14")
        assert found.window_end == day("2028-03-21")

    def test_given_on_day_13_it_counts_and_is_flagged(self):
        found = seen_on("2026-06-01", FIRST, "2026-03-23 300")
        assert found.flags == ("SECOND_DOSE_EARLY",)
        assert found.next.due == day("2026-09-10")

    def test_given_on_day_14_it_is_not_flagged(self):
        assert seen_on("2026-06-01", *BOTH).flags == ()

    def test_it_lapses_on_a_clamped_day(self):
        assert seen_on("2027-02-27", "2026-08-31 300").state == "extended"
        assert seen_on("2027-02-28", "2026-08-31 300").state == "lapsed"

    def test_a_maintenance_dose_in_its_place_is_what_it_is(self):
        found = seen_on("2026-04-01", FIRST, "2026-03-24 600")
        assert (found.next.step, found.flags) == ("maintenance", ("MIN_INTERVAL",))
        assert found.next.due == day("2026-09-24")

    def test_for_briumvi_the_maintenance_amount_is_the_second_part(self):
        found = seen_on("2026-06-01", "2026-03-10 150", "2026-03-24 450", regimen=BRIUMVI)
        assert (found.next.due, found.flags) == (day("2026-08-25"), ())


class TestR4FirstMaintenance:
    def test_it_counts_from_the_first_and_its_minimum_from_the_second(self):
        found = seen_on("2026-06-01", *BOTH).next
        assert (found.step, found.dose_mg) == ("maintenance", 600)
        assert (found.earliest, found.due) == dates("2026-08-24", "2026-09-10")

    def test_a_second_part_a_month_late_pushes_nothing(self):
        found = seen_on("2026-05-01", FIRST, "2026-04-10 300").next
        assert found.earliest == found.due == day("2026-09-10")

    def test_a_day_more_pushes_it_a_day(self):
        found = seen_on("2026-05-01", FIRST, "2026-04-11 300").next
        assert found.earliest == found.due == day("2026-09-11")

    def test_the_push_rolls_over_a_short_month(self):
        found = seen_on("2026-11-22", "2026-08-29 300", "2026-09-30 300").next
        assert found.due == day("2027-03-01")

    def test_24_weeks_count_from_the_first_too(self):
        found = seen_on("2026-06-01", *BOTH, regimen=OCREVUS_IV_24W).next
        assert (found.earliest, found.due) == dates("2026-08-11", "2026-08-25")

    def test_briumvi_counts_weeks_and_waits_months(self):
        given = ("2026-03-10 150", "2026-03-24 450")
        found = seen_on("2026-06-01", *given, regimen=BRIUMVI).next
        assert (found.earliest, found.due) == dates("2026-08-24", "2026-08-25")


class TestR5Anchor:
    def test_given_on_its_day_it_keeps_the_anchor(self):
        found = seen_on("2027-03-05", *AT_MONTH_END, "2027-02-28 600")
        assert found.next.due == day("2027-08-31")
        assert (found.position.anchor, found.position.cycle) == (day("2026-08-31"), 2)

    @pytest.mark.parametrize(
        ("given", "due"),
        [("2027-02-27", "2027-08-27"), ("2027-03-01", "2027-09-01")],
    )
    def test_a_day_early_or_late_it_becomes_the_anchor(self, given, due):
        assert seen_on("2027-03-05", *AT_MONTH_END, f"{given} 600").next.due == day(due)

    def test_a_pushed_dose_becomes_the_anchor(self):
        given = (FIRST, "2026-04-14 300", "2026-09-14 600")
        assert seen_on("2026-11-22", *given).next.due == day("2027-03-14")

    def test_a_leap_day_start_comes_back_to_the_29th(self):
        given = ("2028-02-29 300", "2028-03-14 300", "2028-08-29 600", "2029-02-28 600")
        assert seen_on("2029-03-01", *given).next.due == day("2029-08-29")

    def test_four_doses_on_their_days_still_end_on_the_31st(self):
        given = (*AT_MONTH_END, "2027-02-28 600", "2027-08-31 600", "2028-02-29 600")
        assert seen_on("2028-03-01", *given).next.due == day("2028-08-31")

    def test_on_168_days_24_weeks_keep_the_anchor(self):
        given = ("2026-05-12 600", "2026-10-27 600")
        found = seen_on("2026-11-01", *given, regimen=OCREVUS_IV_24W)
        assert (found.next.due, found.position.cycle) == (day("2027-04-13"), 2)


class TestR6MaintenanceDates:
    @pytest.mark.parametrize(
        ("last", "earliest", "due"),
        [
            ("2026-05-12", "2026-10-12", "2026-11-12"),
            ("2026-09-30", "2027-03-01", "2027-03-30"),
            ("2026-09-29", "2027-03-01", "2027-03-29"),
            ("2027-09-29", "2028-02-29", "2028-03-29"),
            ("2026-01-31", "2026-07-01", "2026-07-31"),
            ("2026-08-31", "2027-01-31", "2027-02-28"),
            ("2027-08-31", "2028-01-31", "2028-02-29"),
        ],
    )
    def test_five_months_roll_forward_and_six_clamp(self, last, earliest, due):
        found = seen_on(last, f"{last} 600").next
        assert (found.earliest, found.due) == dates(earliest, due)


class TestR7Window:
    def test_it_is_two_weeks_on_both_sides_of_due(self):
        found = seen_on("2026-11-22", "2026-05-12 600").next
        assert (found.window_start, found.window_end) == dates("2026-10-29", "2026-11-26")

    def test_it_never_opens_before_the_earliest_day(self):
        found = seen_on("2026-04-20", FIRST, "2026-04-14 300").next
        assert found.window_start == found.earliest == day("2026-09-14")


class TestR8State:
    @pytest.mark.parametrize(
        ("today", "state", "past_due"),
        [
            ("2026-08-23", "not_eligible", 0),
            ("2026-08-24", "eligible", 0),  # five months after the second part
            ("2026-08-26", "eligible", 0),
            ("2026-08-27", "in_window", 0),  # due - 14
            ("2026-09-10", "in_window", 0),  # due
            ("2026-09-11", "late", 1),
            ("2026-09-24", "late", 14),
            ("2026-09-25", "overdue", 15),
            ("2026-10-07", "overdue", 27),
            ("2026-10-08", "extended", 28),
            ("2027-03-23", "extended", 194),
            ("2027-03-24", "lapsed", 195),  # twelve months after the second part
        ],
    )
    def test_the_state_changes_on_its_day(self, today, state, past_due):
        found = seen_on(today, *BOTH)
        assert (found.state, found.days_past_due) == (state, past_due)

    def test_a_leap_day_dose_lapses_on_28_february(self):
        assert seen_on("2029-02-27", "2028-02-29 600").state == "extended"
        assert seen_on("2029-02-28", "2028-02-29 600").state == "lapsed"

    def test_a_course_counted_in_weeks_lapses_after_twelve_months_too(self):
        given = "2026-05-12 600"
        assert seen_on("2027-05-11", given, regimen=OCREVUS_IV_24W).state == "extended"
        assert seen_on("2027-05-12", given, regimen=OCREVUS_IV_24W).state == "lapsed"

    def test_a_stopped_course_is_discontinued_from_that_day(self):
        assert seen_on("2026-04-30", *BOTH, stopped_on=day("2026-05-01")).state == "not_eligible"
        found = seen_on("2026-05-01", *BOTH, stopped_on=day("2026-05-01"))
        assert (found.state, found.next, found.projected) == ("discontinued", None, ())
        assert found.reasons == ()


class TestR9Projection:
    def test_on_time_it_follows_the_anchor(self):
        found = seen_on("2026-11-22", *AT_MONTH_END)
        assert found.projected == dates("2027-02-28", "2027-08-31", "2028-02-29")
        assert not found.provisional

    def test_on_the_due_day_it_still_does(self):
        found = seen_on("2027-02-28", *AT_MONTH_END)
        assert found.projected == dates("2027-02-28", "2027-08-31", "2028-02-29")

    def test_a_day_late_it_counts_from_today_and_is_provisional(self):
        found = seen_on("2027-03-01", *AT_MONTH_END)
        assert found.projected == dates("2027-03-01", "2027-09-01", "2028-03-01")
        assert found.provisional

    def test_a_pushed_date_is_counted_from_but_is_not_provisional(self):
        found = seen_on("2026-04-20", FIRST, "2026-04-14 300")
        assert found.projected == dates("2026-09-14", "2027-03-14", "2027-09-14")
        assert not found.provisional

    def test_while_the_second_part_is_pending_maintenance_counts_from_the_first(self):
        found = seen_on("2026-04-10", FIRST)
        assert found.projected == dates("2026-04-10", "2026-09-10", "2027-03-10")

    def test_while_the_second_part_is_pending_month_ends_do_not_drift(self):
        found = seen_on("2026-09-01", "2026-08-31 300")
        assert found.projected == dates("2026-09-14", "2027-02-28", "2027-08-31")

    def test_a_day_later_the_second_part_pushes_what_follows(self):
        found = seen_on("2026-04-11", FIRST)
        assert found.projected == dates("2026-04-11", "2026-09-11", "2027-03-11")

    def test_a_lapsed_course_has_none(self):
        found = seen_on("2027-03-24", *BOTH)
        assert (found.projected, found.provisional) == ((), False)


class TestR10Holds:
    GIVEN = "2026-05-12 600"  # due 2026-11-12

    def held(self, today, *holds):
        return seen_on(today, self.GIVEN, holds=[hold(*one) for one in holds])

    @pytest.mark.parametrize(
        ("today", "state"),
        [
            ("2026-11-09", "in_window"),
            ("2026-11-10", "on_hold"),
            ("2026-11-29", "on_hold"),
            ("2026-11-30", "overdue"),
        ],
    )
    def test_it_is_in_force_from_its_first_day_to_the_day_before_its_end(self, today, state):
        assert self.held(today, ("2026-11-10", "2026-11-30")).state == state

    def test_ending_on_due_it_moves_nothing(self):
        found = self.held("2026-11-01", ("2026-10-20", "2026-11-12"))
        assert (found.projected[0], found.provisional) == (day("2026-11-12"), False)

    def test_ending_after_due_it_moves_the_first_date(self):
        found = self.held("2026-11-01", ("2026-10-20", "2026-11-13"))
        assert found.projected == dates("2026-11-13", "2027-05-13", "2027-11-13")
        assert (found.provisional, found.days_past_due) == (True, 0)

    def test_while_open_it_leaves_no_projection(self):
        found = self.held("2026-11-22", ("2026-11-10", None))
        assert (found.state, found.projected, found.days_past_due) == ("on_hold", (), 10)

    def test_ending_in_a_lapse_it_leaves_no_projection(self):
        assert self.held("2026-11-22", ("2026-11-10", "2027-05-11")).projected
        assert self.held("2026-11-22", ("2026-11-10", "2027-05-12")).projected == ()

    def test_the_latest_end_counts(self):
        found = self.held("2026-11-22", ("2026-11-10", "2026-12-24"), ("2026-11-01", "2026-12-01"))
        assert found.projected[0] == day("2026-12-24")

    def test_an_open_one_is_the_latest(self):
        found = self.held("2026-11-22", ("2026-11-10", None), ("2026-11-01", "2026-12-01"))
        assert found.projected == ()

    def test_a_pregnancy_among_them_makes_it_a_pause(self):
        both = ("2026-11-10", "2026-12-24"), ("2026-11-01", "2026-12-01", "pregnancy")
        assert self.held("2026-11-22", *both).state == "paused"

    def test_before_the_first_dose_it_moves_the_start(self):
        waiting = [hold("2026-06-01", "2026-06-20")]
        found = seen_on("2026-06-05", ordered_for=day("2026-06-10"), holds=waiting)
        assert found.projected == dates("2026-06-20", "2026-07-04", "2026-12-20")


class TestR11PartialDoses:
    def partial(self, text, disposition=None):
        return dose(text, outcome="partial", disposition=disposition)

    def test_without_a_disposition_a_clinician_is_awaited(self):
        found = seen_on("2026-04-10", self.partial("2026-04-08 120"))
        assert (found.state, found.next, found.projected) == ("pending_clinician", None, ())

    def test_counted_as_given_it_is_a_dose_like_any_other(self):
        found = seen_on("2026-06-01", FIRST, self.partial("2026-03-24 100", "count-as-given"))
        assert (found.next.due, found.state) == (day("2026-09-10"), "not_eligible")

    def test_repeated_the_repeat_is_the_dose(self):
        found = seen_on("2026-05-01", self.partial("2026-04-08 120", "repeat"), "2026-04-15 300")
        assert (found.next.step, found.next.due) == ("initial-2", day("2026-04-29"))

    def test_completed_later_the_first_part_anchors_and_the_last_part_holds_back(self):
        first = self.partial("2026-06-03 200", "complete-remainder")
        found = seen_on("2026-07-01", first, dose("2026-06-10 400", remainder=True)).next
        assert (found.step, found.earliest, found.due) == (
            "maintenance",
            *dates("2026-11-10", "2026-12-03"),
        )

    def test_a_small_part_counted_as_given_opens_the_course(self):
        found = seen_on("2026-04-10", self.partial("2026-04-08 120", "count-as-given"))
        assert found.next.step == "initial-2"

    def test_parts_that_make_up_the_first_dose_open_the_course(self):
        first = self.partial("2026-04-08 120", "complete-remainder")
        found = seen_on("2026-04-10", first, dose("2026-04-09 180", remainder=True))
        assert (found.next.step, found.next.due) == ("initial-2", day("2026-04-22"))

    def test_a_part_larger_than_the_first_dose_came_from_a_maintenance_dose(self):
        found = seen_on("2026-04-10", self.partial("2026-04-08 301", "count-as-given"))
        assert found.next.step == "maintenance"


class TestR12Reactions:
    def test_a_life_threatening_one_ends_treatment(self):
        given = dose("2026-06-03 600", reaction="life-threatening")
        found = seen_on("2026-06-04", given)
        assert (found.state, found.next, found.days_past_due) == ("discontinued", None, 0)

    def test_a_severe_one_moves_no_date(self):
        given = dose("2026-06-03 600", reaction="severe")
        assert seen_on("2026-06-04", given).next.due == day("2026-12-03")


class TestR13Restart:
    LAPSED = "2025-09-18 600"

    def test_single_goes_on_as_before_the_lapse(self):
        found = seen_on("2026-12-08", self.LAPSED, restarts=[restart("2026-12-01", "single")])
        assert (found.state, found.next.step) == ("extended", "maintenance")
        assert found.projected == dates("2026-12-08", "2027-06-08", "2027-12-08")

    def test_single_outlasts_a_hold_that_ends_past_the_lapse(self):
        chosen, waiting = restart("2026-12-01", "single"), hold("2026-12-05", "2026-12-20")
        found = seen_on("2026-12-08", self.LAPSED, restarts=[chosen], holds=[waiting])
        assert found.projected[0] == day("2026-12-20")

    def test_split_waits_for_its_first_dose(self):
        found = seen_on("2026-12-08", self.LAPSED, restarts=[restart("2026-12-01", "split")])
        assert (found.state, found.next, found.projected) == ("planned", None, ())

    def test_the_dose_on_the_day_of_the_choice_uses_it_up(self):
        chosen = [restart("2026-12-07", "split")]
        found = seen_on("2026-12-08", self.LAPSED, "2026-12-07 300", restarts=chosen)
        assert (found.next.step, found.next.due) == ("initial-2", day("2026-12-21"))

    def test_single_re_anchors(self):
        chosen = [restart("2026-12-01", "single")]
        found = seen_on("2026-12-08", self.LAPSED, "2026-12-07 600", restarts=chosen)
        assert found.next.due == day("2027-06-07")

    def test_of_two_choices_the_newest_counts(self):
        chosen = [restart("2026-12-03", "single"), restart("2026-12-01", "split")]
        assert seen_on("2026-12-08", self.LAPSED, restarts=chosen).state == "extended"

    def test_a_choice_before_any_infusion_means_nothing(self):
        found = seen_on("2026-03-11", FIRST, restarts=[restart("2026-03-01", "single")])
        assert found.next.step == "initial-2"

    def test_a_flag_from_before_the_restart_stays(self):
        early = ("2025-01-18 600", "2025-05-18 600", "2026-12-07 300")
        chosen = [restart("2026-12-01", "split")]
        assert seen_on("2026-12-08", *early, restarts=chosen).flags == ("MIN_INTERVAL",)


class TestR14EarlyDosesInTheHistory:
    def test_a_day_under_the_minimum_counts_and_is_flagged(self):
        found = seen_on("2026-11-22", *BOTH, "2026-08-23 600")
        assert (found.flags, found.next.due) == (("MIN_INTERVAL",), day("2027-02-23"))

    def test_on_the_minimum_it_is_not_flagged(self):
        assert seen_on("2026-11-22", *BOTH, "2026-08-24 600").flags == ()

    def test_a_minimum_that_rolls_forward_is_flagged_the_day_before(self):
        assert seen_on("2027-03-02", "2026-09-30 600", "2027-02-28 600").flags
        assert not seen_on("2027-03-02", "2026-09-30 600", "2027-03-01 600").flags

    def test_two_early_doses_raise_one_flag(self):
        given = ("2026-01-10 600", "2026-05-01 600", "2026-09-01 600")
        assert seen_on("2026-11-22", *given).flags == ("MIN_INTERVAL",)

    def test_the_flag_stays_when_later_doses_are_on_time(self):
        given = ("2026-01-10 600", "2026-05-01 600", "2026-11-01 600")
        assert seen_on("2026-11-22", *given).flags == ("MIN_INTERVAL",)

    def test_both_flags_can_be_raised(self):
        given = (FIRST, "2026-03-20 300", "2026-06-01 600")
        assert set(seen_on("2026-06-02", *given).flags) == {"SECOND_DOSE_EARLY", "MIN_INTERVAL"}


class TestR15TransferIn:
    def test_the_last_known_maintenance_dose_is_the_anchor(self):
        found = seen_on("2026-11-22", "2026-08-31 600")
        assert found.next.due == day("2027-02-28")

    def test_one_dose_of_unknown_order_awaits_a_clinician(self):
        found = seen_on("2026-11-22", dose("2026-10-30 300", ordinal_known=False))
        assert (found.state, found.next) == ("pending_clinician", None)

    def test_a_dose_known_only_to_the_month_awaits_a_clinician(self):
        found = seen_on("2026-11-22", dose("2026-05-01 600", day_known=False))
        assert (found.state, found.next) == ("pending_clinician", None)

    def test_to_the_injection_no_new_split_is_needed(self):
        given = ("2026-05-12 600", "2026-11-12 920")
        found = seen_on("2026-11-22", *given, regimen=OCREVUS_SC).next
        assert (found.due, found.dose_mg) == (day("2027-05-12"), 920)


def test_the_regimen_is_handed_back_with_the_answer():
    """R18: whoever stores the date stores the protocol's version with it."""
    assert seen_on("2026-06-01", *BOTH).regimen is OCREVUS_IV
