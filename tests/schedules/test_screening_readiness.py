"""The strip that says who has the ball for the next dose, on both pages."""

import datetime as dt

import pytest

from schedules import actions
from schedules.models import Course
from schedules.presenting.readiness import monitoring_ahead, readiness
from tests.cast import NOW, TODAY, book, days, give, signed_in
from tests.schedules.test_screening import answer, answer_all
from tests.schedules.test_views_record import text


def strip(patient) -> dict[str, str]:
    """Each step with whose turn it is, or when its time comes."""
    course = Course.objects.get(patient=patient)
    steps = readiness(course, course.forecast(TODAY), TODAY)
    said = {"done": "done"}
    return {
        step.title: said.get(step.state)
        or (step.when or step.who if step.state == "later" else step.who)
        for step in steps
    }


NEW = {
    "Insurance approval": "insurer",
    "Blood tests": "clinic",
    "Vaccines": "patient",
    "Visit booked": "after the checks",
    "Infection check": "on the day of the visit",
}


def test_before_the_first_dose_everybody_has_a_part(ana):
    assert strip(ana) == NEW


def test_what_is_done_is_done_and_then_the_visit_is_to_be_booked(ana, rosa):
    answer_all(ana, rosa)
    done = dict.fromkeys(list(NEW)[:3], "done")
    assert strip(ana) == NEW | done | {"Visit booked": "patient"}
    book(ana.course, rosa, TODAY + days(2))
    answer(ana, rosa, "infection")
    assert set(strip(ana).values()) == {"done"}


def test_one_missing_blood_test_is_enough_to_wait(ana, rosa):
    answer_all(ana, rosa)
    answer(ana, rosa, "vaccines", finding="not-clear", days_ago=0)
    answer(ana, rosa, "liver", finding="not-clear", days_ago=0)
    found = strip(ana)
    assert (found["Blood tests"], found["Vaccines"]) == ("clinic", "clinic")


def test_months_before_a_dose_nobody_waits_for_anybody(ana, rosa):
    """Due on August 12, 2026: booking opens 10 weeks before."""
    give(ana.course, rosa, TODAY - days(28), now=NOW)
    assert strip(ana) == {
        "Insurance approval": "from June 3",
        "Blood tests": "from July 15",
        "Visit booked": "from June 3",
        "Infection check": "on the day of the visit",
    }


def test_blood_tests_wait_from_their_window_on(ben, rosa):
    """Due on April 10: the window opens on March 13, tomorrow."""
    assert strip(ben)["Blood tests"] == "from March 13"
    answer(ben, rosa, "cbc", days_ago=10)
    assert strip(ben)["Blood tests"] == "from March 13"  # two of three are open


def test_blood_tests_in_the_window_are_done_for_this_dose(harbor, ben, rosa):
    now = NOW + days(10)
    course, today = ben.course, TODAY + days(10)
    for code in ("immunoglobulins", "liver", "cbc"):
        found = readiness(course, course.forecast(today), today)
        assert ("Blood tests", "waiting") in [(one.title, one.state) for one in found]
        answer(ben, rosa, code, now=now, days_ago=1)
        course = Course.objects.get(patient=ben)
    found = readiness(course, course.forecast(today), today)
    assert ("Blood tests", "done") in [(one.title, one.state) for one in found]


def test_an_infection_puts_the_ball_with_the_clinic(ben, rosa):
    answer(ben, rosa, "infection", finding="not-clear")
    assert strip(ben)["Infection check"] == "clinic"


def test_nothing_is_shown_where_no_dose_is_coming(ana, ben, carla, rosa):
    facts = {"actor": rosa, "now": NOW, "starts_on": TODAY}
    actions.start_hold(course=ana.course, reason="pregnancy", **facts)
    Course.objects.filter(patient=ben).update(stopped_on=TODAY)
    give(carla.course, rosa, TODAY, 250, now=NOW, outcome="partial")
    assert [strip(one) for one in (ana, ben, carla)] == [{}, {}, {}]
    assert readiness(None, None, TODAY) == []
    assert monitoring_ahead(None, None) == []


def test_tests_of_the_same_days_are_said_together(ben, rosa):
    answer(ben, rosa, "mri", days_ago=30)
    course = Course.objects.get(patient=ben)
    assert monitoring_ahead(course, course.forecast(TODAY)) == [
        (
            ["Immunoglobulins", "Liver tests", "Blood count"],
            (dt.date(2026, 3, 13), dt.date(2026, 3, 27)),
        ),
        (["MRI"], (dt.date(2027, 3, 13), dt.date(2027, 3, 27))),
    ]


def test_no_test_is_due_before_the_second_part_of_a_first_dose(carla):
    """The first part was on March 5: four weeks before the second would be in February."""
    course = Course.objects.get(patient=carla)
    ((_titles, window),) = monitoring_ahead(course, course.forecast(TODAY))
    assert window == (dt.date(2026, 8, 8), dt.date(2026, 8, 22))
    assert strip(carla)["Blood tests"] == "done"


class TestPages:
    @pytest.fixture
    def home(self, clock, ana):
        return lambda: text(signed_in(ana.user).get("/home/"))

    def test_a_new_patient_reads_what_is_done_and_what_is_waited_for(self, home, ana, rosa):
        answer(ana, rosa, "authorization", note="Number 4711")
        page = home()
        assert "Insurance approval: <strong>done</strong>" in page
        assert "We are waiting for: <strong>Vaccines</strong> (your turn)" in page
        assert "We are waiting for: <strong>Blood tests</strong> (your clinic)" in page

    def test_no_result_reaches_the_patients_page(self, home, ana, rosa):
        answer(ana, rosa, "hepatitis-b", finding="not-clear", note="HBsAg positive")
        page = home()
        assert "HBsAg" not in page
        assert "Speaks against" not in page
        assert "Hepatitis" not in page

    def test_later_on_it_says_whose_turn_it_is(self, clock, ben):
        page = text(signed_in(ben.user).get("/home/"))
        assert "Insurance approval: <strong>we are waiting for your insurance</strong>" in page
        assert "Visit booked: <strong>your turn</strong>" in page

    def test_staff_read_what_is_on_record_when_no_dose_is_coming(self, clock, ben, rosa):
        answer(ben, rosa, "authorization")
        here = f"/staff/patients/{ben.pk}/"
        assert "Checks before the next dose</h2>" in text(signed_in(rosa).get(here))
        facts = {"reason": "infection", "starts_on": TODAY}
        actions.start_hold(course=ben.course, actor=rosa, now=NOW, **facts)
        page = text(signed_in(rosa).get(here))
        assert "Checks on record</h2>" in page
        # What holds infusions up stands before the lists.
        assert page.index("On hold: Infection") < page.index("Visits</h2>")

    def test_the_days_of_tests_are_on_the_patients_page(self, clock, ben):
        page = text(signed_in(ben.user).get("/home/"))
        assert "Blood count, MRI: March 13, 2026 to March 27, 2026" in page
        assert "Breast screening: at the usual times for your age." in page

    def test_days_that_have_passed_are_not_shown_as_if_to_come(self, clock, ben):
        clock.move_to(dt.datetime(2026, 3, 28, 15, tzinfo=dt.UTC), tick=False)
        page = text(signed_in(ben.user).get("/home/"))
        assert "Blood count, MRI: soon, before your next infusion" in page

    def test_staff_see_who_is_waited_for(self, clock, ana, rosa):
        page = text(signed_in(rosa).get(f"/staff/patients/{ana.pk}/"))
        assert "Insurance approval: <strong>waiting for the insurance</strong>" in page
        assert "Vaccines: <strong>waiting for the patient</strong>" in page
