"""Checks before a dose: where each stands, what waits for it, and when it comes back."""

import datetime as dt

import pytest

from schedules.engine.dates import Interval, add_days, due_add, months
from schedules.engine.policy import VACCINES
from schedules.engine.screening import (
    BY_CODE,
    CHECKS,
    Answer,
    blocks,
    checks_before,
    holds_until,
    is_final,
    monitoring_dates,
    status_of,
)

DAY = dt.date(2026, 4, 10)
HEPATITIS, LIVER, INFECTION = BY_CODE["hepatitis-b"], BY_CODE["liver"], BY_CODE["infection"]
APPROVAL, PREGNANCY = BY_CODE["authorization"], BY_CODE["pregnancy"]


def done(check, days_before: int, **facts) -> Answer:
    return Answer(check.code, "done", add_days(DAY, -days_before), **facts)


def codes(checks) -> set[str]:
    return {check.code for check in checks}


HARD_BEFORE_FIRST = {
    *("hepatitis-b", "immunoglobulins", "liver", "vaccines", "pregnancy"),
    *("authorization", "infection"),
}


def test_the_first_dose_waits_for_all_hard_checks():
    found = checks_before(first=True)
    assert {check.code for check in found if check.hard} == HARD_BEFORE_FIRST
    assert {check.code for check in found if not check.hard} == {"cbc", "mri", "weight"}


def test_later_doses_wait_for_infection_and_approval():
    assert codes(checks_before(first=False)) == {"authorization", "infection"}


def test_a_site_may_ask_about_pregnancy_at_every_dose():
    assert "pregnancy" in codes(checks_before(first=False, chosen=["pregnancy"]))


def test_the_jc_virus_is_asked_about_after_natalizumab_alone():
    assert "jcv" in codes(checks_before(first=True, previous_drug="natalizumab"))
    assert "jcv" not in codes(checks_before(first=True, previous_drug="fingolimod"))


def test_a_site_leaves_out_what_is_its_own_to_decide_and_no_more():
    kept = codes(checks_before(first=True, left_out=list(BY_CODE)))
    assert kept == HARD_BEFORE_FIRST - {"authorization", "pregnancy"}


def test_no_answer_is_needed_and_blocks():
    assert status_of(LIVER, None, on=DAY) == "needed"
    assert blocks(LIVER, "needed")
    assert not blocks(BY_CODE["mri"], "needed")


@pytest.mark.parametrize(("status", "found"), [("done", "done"), ("not-needed", "not_needed")])
def test_an_answer_settles_a_check(status, found):
    answer = Answer("liver", status, DAY)
    assert status_of(LIVER, answer, on=DAY) == found
    assert not blocks(LIVER, found)


@pytest.mark.parametrize(("expires", "found"), [(0, "done"), (-1, "expired")])
def test_an_approval_holds_on_its_last_day(expires, found):
    answer = done(APPROVAL, 90, expires_on=add_days(DAY, expires))
    assert status_of(APPROVAL, answer, on=DAY) == found


@pytest.mark.parametrize(("days", "found"), [(7, "done"), (8, "expired")])
def test_an_infection_check_is_good_for_seven_days(days, found):
    assert status_of(INFECTION, done(INFECTION, days), on=DAY) == found


def test_not_needed_does_not_wear_off():
    answer = Answer("infection", "not-needed", add_days(DAY, -400))
    assert holds_until(INFECTION, answer) is None


def test_what_spoke_against_goes_on_to_do_so():
    answer = done(HEPATITIS, 800, clear=False, expires_on=add_days(DAY, -700))
    assert status_of(HEPATITIS, answer, on=DAY) == "not_clear"
    assert status_of(HEPATITIS, answer, on=DAY, since=add_days(DAY, -1)) == "not_clear"


def test_an_infection_before_the_last_dose_is_past():
    answer = done(INFECTION, 200, clear=False)
    assert status_of(INFECTION, answer, on=DAY, since=add_days(DAY, -200)) == "needed"
    assert status_of(INFECTION, answer, on=DAY, since=add_days(DAY, -201)) == "not_clear"


def test_after_a_lapse_the_baseline_is_needed_again():
    assert status_of(LIVER, done(LIVER, 500), on=DAY, since=add_days(DAY, -400)) == "needed"
    assert status_of(LIVER, done(LIVER, 300), on=DAY, since=add_days(DAY, -400)) == "done"


def test_active_hepatitis_b_is_final_and_low_liver_values_are_not():
    against = done(HEPATITIS, 30, clear=False)
    assert is_final(HEPATITIS, against, "not_clear", on=DAY)
    assert not is_final(HEPATITIS, None, "needed", on=DAY)
    assert not is_final(LIVER, done(LIVER, 30, clear=False), "not_clear", on=DAY)


@pytest.mark.parametrize(("days", "final"), [(7, True), (8, False)])
def test_an_infection_rules_out_this_week_and_not_next_month(days, final):
    against = done(INFECTION, days, clear=False)
    assert is_final(INFECTION, against, "not_clear", on=DAY) is final


DOSES = [DAY, due_add(DAY, months(6)), due_add(DAY, months(12))]


def window(dose: dt.date) -> tuple[dt.date, dt.date]:
    return add_days(dose, -28), add_days(dose, -14)


@pytest.mark.parametrize(
    ("last", "dose"),
    [
        (None, 0),
        (add_days(DAY, -200), 0),  # at the dose before
        (add_days(DAY, -29), 1),  # just before the window: good for this dose
        (add_days(DAY, -20), 1),
        (add_days(DAY, 10), 1),  # late; the next is not skipped for it
    ],
)
def test_blood_tests_hang_off_the_next_dose(last, dose):
    assert monitoring_dates(LIVER, last_done_on=last, doses=DOSES) == window(DOSES[dose])


def test_a_scan_comes_back_every_other_dose():
    last = add_days(DAY, -20)
    assert monitoring_dates(BY_CODE["mri"], last_done_on=last, doses=DOSES) == window(DOSES[2])


def test_a_clinic_has_its_own_interval_but_never_twice_for_one_dose():
    last = add_days(DAY, -20)
    for every in (Interval(months=1), Interval(months=6)):
        found = monitoring_dates(LIVER, last_done_on=last, doses=DOSES, interval=every)
        assert found == window(DOSES[1])
    yearly = monitoring_dates(LIVER, last_done_on=last, doses=DOSES, interval=months(12))
    assert yearly == window(DOSES[2])


def test_without_an_interval_or_a_dose_there_is_no_date():
    screening = BY_CODE["breast-screening"]
    assert monitoring_dates(screening, last_done_on=None, doses=DOSES) is None
    assert monitoring_dates(screening, last_done_on=None, doses=DOSES, interval=months(24))
    assert monitoring_dates(LIVER, last_done_on=None, doses=[]) is None
    assert monitoring_dates(LIVER, last_done_on=DAY, doses=[DAY], interval=months(24)) is None


def test_the_vaccine_days_of_the_rules_example():
    start = dt.date(2027, 1, 11)
    us, eu = VACCINES["us"], VACCINES["eu"]
    assert (us.live_by(start), us.non_live_by(start)) == (
        dt.date(2026, 12, 14),
        dt.date(2026, 12, 28),
    )
    assert {eu.live_by(start), eu.non_live_by(start)} == {dt.date(2026, 11, 30)}


def test_every_check_is_told_apart_and_has_a_source():
    assert len(BY_CODE) == len(CHECKS)
    assert all(check.source and check.about and check.title for check in CHECKS)
