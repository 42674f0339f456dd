"""What staff are told when no reminder has been sent for a day."""

import datetime as dt

import pytest

from reminders.context import Standstill, find_standstill
from reminders.models import Deployment, Heartbeat
from schedules.models import Patient
from tests.cast import NOW, days, make_patient, signed_in

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def ana(harbor, rosa):
    return make_patient(harbor, rosa, "Ana", now=NOW - days(5))


def standstill() -> Standstill | None:
    return find_standstill(NOW, Patient.objects.all())


def ran(*, planned: dt.timedelta, delivered: dt.timedelta) -> None:
    Heartbeat.beat(planned_at=NOW - planned, delivered_at=NOW - delivered)


@pytest.mark.usefixtures("ana")
class TestFinding:
    def test_all_is_well_within_a_day(self):
        ran(planned=HOUR, delivered=24 * HOUR)
        assert standstill() is None

    @pytest.mark.parametrize("late", ["planned", "delivered"])
    def test_either_half_of_the_work_may_stand_still(self, late):
        ran(**({"planned": HOUR, "delivered": HOUR} | {late: 25 * HOUR}))
        assert standstill() == Standstill(NOW - 25 * HOUR, on_purpose=False)

    def test_work_that_never_ran_stands_still_from_the_first_patient_on(self):
        assert standstill() == Standstill(NOW - days(5), on_purpose=False, ever_ran=False)
        Heartbeat.beat(planned_at=NOW)
        assert standstill() == Standstill(NOW - days(5), on_purpose=False, ever_ran=False)

    def test_a_stop_on_purpose_is_said_at_once(self):
        ran(planned=HOUR, delivered=HOUR)
        Deployment.objects.create(halted_at=NOW - HOUR, halted_for="restored")
        assert standstill() == Standstill(NOW - HOUR, on_purpose=True)

    def test_it_takes_one_query(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            standstill()


def test_a_new_service_is_no_standstill(db):
    assert standstill() is None


def test_nor_one_whose_first_patient_came_today(harbor, rosa):
    make_patient(harbor, rosa, "Ana", now=NOW)
    assert standstill() is None


class TestPages:
    @pytest.fixture(autouse=True)
    def _clock(self, clock):
        """All of it happens at NOW."""

    def test_staff_see_since_when_and_what_to_do(self, ana, rosa):
        ran(planned=HOUR, delivered=25 * HOUR)
        html = signed_in(rosa).get("/staff/").content.decode()
        assert "have not been sent since Wednesday, March 11, 2026, 10:00 a.m." in html
        assert "Call people who are due, and tell whoever runs this service." in html

    def test_staff_see_a_stop_on_purpose(self, ana, rosa):
        Deployment.objects.create(halted_at=NOW - HOUR)
        html = signed_in(rosa).get("/staff/").content.decode()
        assert "They were stopped Thursday, March 12, 2026, 10:00 a.m." in html

    def test_staff_see_that_nothing_ever_went(self, ana, rosa):
        assert "No reminder has ever been sent" in signed_in(rosa).get("/staff/").content.decode()

    def test_nothing_is_said_while_all_is_well(self, ana, rosa):
        ran(planned=HOUR, delivered=HOUR)
        assert "standstill" not in signed_in(rosa).get("/staff/").content.decode()

    def test_patients_and_visitors_are_not_told(self, client, ana):
        assert "standstill" not in signed_in(ana.user).get("/home/").content.decode()
        assert "standstill" not in client.get("/sign-in/").content.decode()
