"""A13: a change between regimens of one drug keeps the clock and splits nothing anew."""

import pytest

from schedules.engine.forecast import HistoryError, forecast
from schedules.engine.history import UNTREATED, can_switch, continued, replay
from schedules.engine.regimens import BRIUMVI, OCREVUS_IV, OCREVUS_IV_24W, OCREVUS_SC
from tests.engine.saying import dates, day, dose, restart

BOTH = ("2026-08-31 300", "2026-09-14 300")


def doses(*texts):
    return [dose(one) if isinstance(one, str) else one for one in texts]


def switched(today, *given, before=BOTH, from_=OCREVUS_IV, to=OCREVUS_SC, restarts=(), **more):
    """The forecast under `to` after `given`, for a course that had `before` under `from_`."""
    start = continued(from_, doses(*before), restarts, to=to)
    return forecast(to, today=day(today), history=doses(*given), start=start, **more)


class TestASwitchToTheInjection:
    def test_keeps_the_due_date_and_gives_the_new_dose(self):
        found = switched("2026-11-22").next
        assert (found.step, found.dose_mg) == ("maintenance", 920)
        assert (found.earliest, found.due) == dates("2027-02-14", "2027-02-28")

    def test_takes_the_next_dose_as_maintenance(self):
        found = switched("2027-03-01", "2027-02-28 920")
        assert found.next.step == "maintenance"
        assert found.next.due == day("2027-08-31")  # still counted from 31 August 2026

    def test_and_back_again_keeps_the_clock_too(self):
        to_sc = continued(OCREVUS_IV, doses(*BOTH), to=OCREVUS_SC)
        back = continued(OCREVUS_SC, doses("2027-02-28 920"), start=to_sc, to=OCREVUS_IV)
        found = forecast(OCREVUS_IV, today=day("2027-03-01"), start=back).next
        assert (found.dose_mg, found.due) == (600, day("2027-08-31"))

    def test_before_anything_was_given_starts_with_the_new_first_dose(self):
        found = switched("2026-11-22", before=(), ordered_for=day("2026-12-01")).next
        assert (found.step, found.dose_mg) == ("initial-1", 920)

    def test_keeps_a_flag_that_was_raised_before(self):
        early = ("2026-01-10 600", "2026-05-01 600")
        assert switched("2026-11-22", before=early).flags == ("MIN_INTERVAL",)

    def test_flags_a_dose_before_its_minimum_across_the_switch(self):
        assert switched("2027-02-13", "2027-02-13 920").flags == ("MIN_INTERVAL",)

    @pytest.mark.parametrize("given", ["2026-09-14 920", "2026-09-01 920"])
    def test_refuses_a_dose_that_is_not_after_the_last_one_before_it(self, given):
        with pytest.raises(HistoryError, match="not after the one on 2026-09-14"):
            switched("2026-11-22", given)

    def test_says_why_in_the_words_of_the_new_regimen(self):
        found = switched("2026-11-22", before=["2026-05-12 600"])
        assert [str(one) for one in found.reasons] == [
            "Your treatment plan has changed. You do not need a new first dose.",
            "Your last infusion was on May 12, 2026.",
            (
                "Infusions are planned 6 months apart. "
                "May 12, 2026 plus 6 months is November 12, 2026."
            ),
        ]
        assert dict(found.reasons[-1].facts)["regimen"] == "ocrevus-sc 2026-11"

    def test_is_told_until_the_next_dose(self):
        found = switched("2027-03-01", "2027-02-28 920")
        assert not any(one.code == "switched" for one in found.reasons)


class TestASwitchOfTheInterval:
    def test_counts_the_new_interval_from_the_last_dose(self):
        on_time = (*BOTH, "2027-02-28 600")
        found = switched("2027-03-05", before=on_time, to=OCREVUS_IV_24W)
        assert (found.position.anchor, found.position.cycle) == (day("2027-02-28"), 1)
        assert found.reasons[1].code == "last"
        assert found.next.due == day("2027-08-15")

    def test_counts_from_the_first_infusion_while_no_maintenance_dose_was_given(self):
        assert switched("2026-11-22", to=OCREVUS_IV_24W).next.due == day("2027-02-15")

    def test_counts_from_the_first_part_of_a_dose_given_in_two(self):
        part = dose("2027-02-28 200", outcome="partial", disposition="complete-remainder")
        parts = (*BOTH, part, dose("2027-03-07 400", remainder=True))
        found = switched("2027-03-08", before=parts, to=OCREVUS_IV_24W)
        assert found.reasons[1].code == "parts"
        assert found.next.due == day("2027-08-15")


class TestWhatHappenedBeforeStillHolds:
    def test_an_undecided_dose_awaits_a_clinician(self):
        undecided = dose("2027-02-28 200", outcome="partial")
        assert switched("2027-03-05", before=(*BOTH, undecided)).state == "pending_clinician"

    def test_a_life_threatening_reaction_ended_the_drug(self):
        before = (*BOTH, dose("2027-02-28 600", reaction="life-threatening"))
        assert switched("2027-03-05", before=before).state == "discontinued"

    def test_a_first_dose_left_half_given_by_a_correction_awaits_a_clinician(self):
        found = switched("2027-03-05", "2027-02-28 920", before=BOTH[:1])
        assert (found.state, found.next) == ("pending_clinician", None)

    def test_a_choice_to_restart_that_no_dose_has_used_is_still_open(self):
        chosen = [restart("2027-10-01", "single")]
        assert switched("2027-10-02").state == "lapsed"
        assert switched("2027-10-02", restarts=chosen).state == "extended"

    def test_a_choice_to_restart_is_used_up_by_the_first_dose_after_the_switch(self):
        chosen = [restart("2027-10-01", "single")]
        found = switched("2027-10-03", "2027-10-02 920", restarts=chosen)
        assert (found.next.due, found.position.pending) == (day("2028-04-02"), None)


class TestWhetherASwitchIsPossible:
    @pytest.mark.parametrize(
        ("from_", "to", "given", "possible"),
        [
            (OCREVUS_IV, OCREVUS_SC, BOTH, True),
            (OCREVUS_SC, OCREVUS_IV, ["2026-08-31 920"], True),
            (OCREVUS_IV, OCREVUS_IV_24W, BOTH, True),
            (OCREVUS_IV, OCREVUS_SC, [], True),
            (OCREVUS_IV, OCREVUS_SC, BOTH[:1], False),  # half of the first dose
            (OCREVUS_IV, OCREVUS_IV, BOTH, False),
            (OCREVUS_IV, BRIUMVI, BOTH, False),  # another drug
        ],
    )
    def test_it_needs_the_same_drug_and_a_whole_first_dose(self, from_, to, given, possible):
        assert can_switch(from_, to, replay(from_, doses(*given))) is possible


def test_a_course_of_its_own_starts_untreated():
    found = forecast(OCREVUS_IV, today=day("2026-11-22"), start=UNTREATED)
    assert found == forecast(OCREVUS_IV, today=day("2026-11-22"))
