"""Which state the patient's page shows, in the order of its rules."""

import datetime as dt

import pytest

from schedules import actions
from schedules.models import Appointment, Course, StopReason
from schedules.presenting import HomeState, home_state
from tests.cast import NOW, TODAY, book, days, give, make_patient


def shown(course: Course, now: dt.datetime = NOW) -> HomeState:
    """The state of a stored course at `now`."""
    course = Course.objects.with_history().get(pk=course.pk)
    clinic = course.patient.clinic
    visits = Appointment.objects.booked().filter(course=course)
    return home_state(course, course.forecast(clinic.local_date(now)), visits, clinic, now)


@pytest.fixture
def course(ben) -> Course:
    """Due on April 10, 2026; booking opens on January 30."""
    return ben.course


@pytest.mark.parametrize(
    ("day", "letter", "tag"),
    [
        ("2026-01-29", "D", "Nothing to do now"),
        ("2026-01-30", "E", "Time to book"),
        ("2026-03-26", "E", "Time to book"),
        ("2026-03-27", "H", "Book now"),
        ("2026-04-12", "H", "Book now"),
        ("2026-04-13", "I", "Late"),
        ("2026-10-10", "I", "Late"),
    ],
)
def test_without_a_visit_the_page_grows_more_urgent(course, day, letter, tag):
    state = shown(course, dt.datetime.fromisoformat(f"{day}T15:00:00+00:00"))
    assert (state.letter, state.tag) == (letter, tag)


def test_the_days_before_and_after_are_the_clinics_own(course, harbor):
    harbor.booking_opens_days, harbor.late_after_days = 20, 9
    harbor.save()
    letters = [shown(course, NOW + days(ahead)).letter for ahead in (8, 9, 37, 38)]
    assert letters == ["D", "E", "H", "I"]


def test_today_is_the_clinics_date(course):
    """At 3 a.m. UTC on April 13 it is still April 12 in New York: not late yet."""
    assert shown(course, dt.datetime(2026, 4, 13, 3, tzinfo=dt.UTC)).letter == "H"


def test_a_due_date_is_said_with_its_distance_and_the_next_step(course):
    state = shown(course)
    said = (state.lead, state.big, state.when, state.call)
    assert said == ("Due around", "April 10, 2026", "in 4 weeks", "Call to book")


def test_late_says_how_late_and_does_not_blame(course):
    state = shown(course, dt.datetime(2026, 4, 19, 15, tzinfo=dt.UTC))
    assert (state.lead, state.when) == ("Was due around", "9 days ago")
    assert state.text[0] == "It is 9 days past your due date."
    assert "You do not need to wait six more months." in state.text[2]


def test_a_lapsed_course_is_late_and_the_care_team_decides(course):
    state = shown(course, dt.datetime(2026, 10, 10, 15, tzinfo=dt.UTC))
    assert "your care team will decide how to start again" in state.text[1]


def test_nothing_to_do_names_the_month_of_the_next_email(course):
    state = shown(course, dt.datetime(2026, 1, 5, 15, tzinfo=dt.UTC))
    assert state.text == ("We will email you in January when it is time to book.",)
    assert state.call == ""


def test_no_email_is_promised_to_those_who_want_none(course):
    course.patient.wants_reminders = False
    course.patient.save()
    state = shown(course, dt.datetime(2026, 1, 5, 15, tzinfo=dt.UTC))
    assert state.text == ("It will be time to book in January.",)


class TestBooked:
    def test_more_than_a_week_ahead(self, course, rosa):
        book(course, rosa, dt.date(2026, 4, 9))
        state = shown(course)
        assert (state.letter, state.tag) == ("F", "Booked")
        assert (state.big, state.when) == ("Thursday, April 9, 2026", "at 9:00 a.m., in 4 weeks")
        assert state.text == ("12 Shore Road, Harbor", "Plan for about 6 hours.")

    @pytest.mark.parametrize(
        ("ahead", "said"),
        [
            (0, ("Today", "Today at 9:00 a.m.", "Friday, April 10, 2026")),
            (1, ("Tomorrow", "Tomorrow at 9:00 a.m.", "Friday, April 10, 2026")),
            (4, ("This week", "Friday at 9:00 a.m.", "April 10, 2026, in 4 days")),
            (7, ("This week", "Friday at 9:00 a.m.", "April 10, 2026, in 7 days")),
        ],
    )
    def test_in_the_last_week_the_day_comes_first(self, course, rosa, ahead, said):
        book(course, rosa, dt.date(2026, 4, 10))
        state = shown(course, dt.datetime(2026, 4, 10 - ahead, 12, tzinfo=dt.UTC))
        assert (state.letter, state.tag, state.big, state.when) == ("G", *said)

    def test_eight_days_ahead_is_not_this_week(self, course, rosa):
        book(course, rosa, dt.date(2026, 4, 10))
        assert shown(course, dt.datetime(2026, 4, 2, 12, tzinfo=dt.UTC)).letter == "F"

    @pytest.mark.parametrize(("day", "letter"), [(12, "F"), (13, "J")])
    def test_after_the_late_line_the_clinic_knows(self, course, rosa, day, letter):
        book(course, rosa, dt.date(2026, 4, day))
        state = shown(course)
        assert (state.letter, state.text[-1]) == (letter, "Plan for about 6 hours.")

    def test_before_the_earliest_day_the_clinic_is_checking(self, course, rosa, priya):
        give(course, rosa, TODAY, now=NOW)
        book(course, priya, dt.date(2026, 8, 11), reason="Travels later")
        assert shown(course).letter == "L"
        assert shown(course).tag == "Being checked"

    def test_a_day_that_passed_unrecorded_is_asked_about(self, course, rosa):
        book(course, rosa, dt.date(2026, 4, 10))
        that_evening = dt.datetime(2026, 4, 10, 23, tzinfo=dt.UTC)
        assert shown(course, that_evening).letter == "G"
        state = shown(course, that_evening + days(1))
        assert (state.letter, state.big) == ("K", "Did you have your infusion on April 10, 2026?")
        assert state.call == "Call to tell us"

    def test_the_day_that_passed_comes_before_the_next_visit(self, course, rosa):
        for day in (10, 20):
            book(course, rosa, dt.date(2026, 4, day))
        assert shown(course, dt.datetime(2026, 4, 19, 15, tzinfo=dt.UTC)).letter == "K"

    def test_a_reader_in_another_zone_is_told_which_clock(self, course, rosa):
        course.patient.time_zone = "America/Denver"
        course.patient.save()
        book(course, rosa, dt.date(2026, 4, 9))
        assert shown(course).when == "at 9:00 a.m. EDT, in 4 weeks"


class TestFirstDose:
    def test_new_people_are_told_that_nothing_is_to_be_done(self, ana):
        state = shown(ana.course)
        assert (state.letter, state.big, state.call) == ("A", "No date yet", "")

    def test_visit_1_booked_and_visit_2_open(self, ana, rosa):
        book(ana.course, rosa, TODAY + days(20))
        state = shown(ana.course)
        assert (state.letter, state.tag) == ("B", "Booked: visit 1 of 2")
        assert state.text[1] == "Visit 2: not booked yet."
        assert state.text[-1] == "Plan for about 5 hours."

    def test_visit_1_and_2_booked(self, ana, rosa):
        book(ana.course, rosa, TODAY + days(20))
        book(ana.course, rosa, TODAY + days(34))
        assert shown(ana.course).text[1] == "Visit 2: April 15, 2026."

    def test_the_last_week_says_which_visit(self, ana, rosa):
        book(ana.course, rosa, TODAY + days(1))
        assert shown(ana.course).tag == "Tomorrow, visit 1 of 2"

    def test_visit_2_open(self, carla):
        state = shown(carla.course)
        assert (state.letter, state.tag) == ("C", "Book now: visit 2 of 2")
        assert state.big == "March 19, 2026"

    def test_visit_2_late(self, carla):
        state = shown(carla.course, NOW + days(8))
        assert state.text[0] == "This visit is 1 day late."

    def test_visit_2_booked(self, carla, rosa):
        book(carla.course, rosa, dt.date(2026, 3, 23))
        assert shown(carla.course).tag == "Booked: visit 2 of 2"

    def test_visit_2_missed_for_half_a_year_is_late(self, carla):
        assert shown(carla.course, NOW + days(200)).letter == "I"

    def test_a_first_dose_in_one_part_is_simply_booked(self, harbor, rosa):
        patient = make_patient(harbor, rosa, "Dora", regimen_code="ocrevus-sc")
        book(patient.course, rosa, TODAY + days(20))
        state = shown(patient.course)
        assert (state.letter, state.text[-1]) == ("F", "Plan for about 2 hours 30 minutes.")

    def test_the_time_is_that_of_the_next_dose_not_of_todays(self, carla, rosa):
        give(carla.course, rosa, TODAY, 300, now=NOW)
        book(carla.course, rosa, dt.date(2026, 9, 5))
        assert shown(carla.course).text[-1] == "Plan for about 6 hours."

    def test_no_time_is_promised_where_no_source_gives_one(self, harbor, rosa):
        patient = make_patient(harbor, rosa, "Dora", regimen_code="briumvi")
        give(patient.course, rosa, TODAY - days(14), 150)
        book(patient.course, rosa, TODAY + days(10))
        assert shown(patient.course).text[-1] == "12 Shore Road, Harbor"


class TestNoDate:
    def test_a_stopped_infusion_waits_for_a_clinician(self, course, rosa):
        give(course, rosa, TODAY, 250, now=NOW, outcome="partial")
        state = shown(course)
        assert (state.letter, state.big) == ("O", "No date to show yet")

    def test_a_record_without_a_course_says_call_us(self, harbor):
        assert home_state(None, None, [], harbor, NOW).letter == "O"

    def test_stopped_wins_over_everything_but_missing_data(self, course, rosa):
        book(course, rosa, dt.date(2026, 4, 9))
        actions.stop_course(
            course=course, actor=rosa, now=NOW, stopped_on=TODAY, reason=StopReason.MOVED
        )
        state = shown(course)
        assert (state.letter, state.tag) == ("N", "Stopped")
        assert state.text[0] == "Your infusions at this clinic stopped on March 12, 2026."
