"""The day that a booking page offers, and what it says about closed days (R16).

Ben is due on Friday, April 10, 2026; his window is March 27 to April 24. Carla's second visit is
due on Thursday, March 19, with a window to March 26. It is Thursday, March 12.
"""

import datetime as dt

import pytest

from schedules import actions
from schedules.models import Appointment, ClinicRules, Course, Hold
from tests.cast import NOW, TODAY, book, days, give, make_patient, signed_in
from tests.schedules.test_clinic_calendar import close
from tests.schedules.test_screening import answer_all
from tests.schedules.test_views_record import kept, text
from tests.schedules.test_views_visits import answers, at, visits

DUE = dt.date(2026, 4, 10)
STAYS = "The due date, Friday, April 10, 2026, stays as it is."


@pytest.fixture
def nurse(clock, rosa):
    return signed_in(rosa)


def offered(client, patient):
    """The booking page's first day, and the page in words."""
    page = client.get(f"/staff/patients/{patient.pk}/book/")
    return page.context["form"].initial["day"], text(page)


class TestTheOfferedDay:
    def test_an_open_due_day_is_offered_without_a_word(self, nurse, ben):
        day, words = offered(nurse, ben)
        assert day == DUE
        assert "closed" not in words

    def test_a_closed_due_day_gives_way_to_the_next_open_one(self, nurse, ben, harbor):
        close(harbor, "2026-04-10", title="Staff training")
        day, words = offered(nurse, ben)
        assert day == dt.date(2026, 4, 13)
        assert f"{STAYS} The clinic is closed that day (Staff training), so the next" in words
        assert "Due around</dt><dd>Friday, April 10, 2026" in words

    def test_a_due_day_on_a_weekend_gives_way_too(self, nurse, harbor, rosa):
        patient = make_patient(harbor, rosa, "Abe")
        give(patient.course, rosa, dt.date(2025, 10, 11))
        day, words = offered(nurse, patient)
        assert day == dt.date(2026, 4, 13)
        assert "closed that day (no visits on Saturdays), so the next open day" in words

    def test_a_due_day_on_an_observed_holiday_gives_way_too(self, nurse, harbor, rosa):
        patient = make_patient(harbor, rosa, "Abe")
        give(patient.course, rosa, dt.date(2026, 1, 3))
        day, words = offered(nurse, patient)
        assert day == dt.date(2026, 7, 6)
        assert "The due date, Friday, July 3, 2026, stays as it is." in words
        assert "(Independence Day (observed)), so the next open day is offered." in words

    def test_a_leap_day_is_a_day(self, clock, harbor, rosa):
        """August 31 and 6 months is February 29 in 2028, a Tuesday."""
        patient = make_patient(harbor, rosa, "Abe")
        give(patient.course, rosa, dt.date(2027, 8, 31))
        clock.move_to(at(1, 10, year=2028), tick=False)
        nurse = signed_in(rosa)
        assert offered(nurse, patient)[0] == dt.date(2028, 2, 29)
        close(harbor, "2028-02-29")
        assert offered(nurse, patient)[0] == dt.date(2028, 3, 1)

    @pytest.mark.parametrize(("until", "day"), [("2026-04-23", 24), ("2026-04-24", 9)])
    def test_the_last_day_of_the_window_comes_before_an_earlier_one(
        self, nurse, ben, harbor, until, day
    ):
        close(harbor, "2026-04-10", until)
        found, words = offered(nurse, ben)
        assert found == dt.date(2026, 4, day)
        assert ("so the last open day before it is offered." in words) is (day == 9)

    def test_a_window_without_an_open_day_offers_none(self, nurse, ben, harbor):
        close(harbor, "2026-03-27", "2026-04-24", "Water damage")
        day, words = offered(nurse, ben)
        assert day is None
        told = "closed that day (Water damage) and on all other days of the window, so no day is"
        assert f"{STAYS} The clinic is {told} offered." in words

    def test_the_first_day_of_the_window_is_the_last_resort(self, nurse, ben, harbor):
        close(harbor, "2026-03-28", "2026-04-24")
        assert offered(nurse, ben)[0] == dt.date(2026, 3, 27)

    def test_no_day_of_the_past_is_offered(self, nurse, ben, harbor, clock, rosa):
        clock.move_to(at(4, 9), tick=False)
        signed_in(rosa, nurse)
        close(harbor, "2026-04-09", "2026-04-24")
        assert offered(nurse, ben)[0] is None

    def test_the_second_visit_moves_to_an_open_day_too(self, nurse, carla, harbor):
        close(harbor, "2026-03-19")
        day, words = offered(nurse, carla)
        assert day == dt.date(2026, 3, 20)
        assert "The due date, Thursday, March 19, 2026, stays as it is." in words

    def test_the_second_visit_is_never_offered_early(self, nurse, carla, harbor):
        close(harbor, "2026-03-19", "2026-03-26")
        assert offered(nurse, carla)[0] is None

    def test_the_second_visit_after_a_booked_first_is_on_an_open_day(self, nurse, ana, rosa):
        """Two weeks after Wednesday, November 12, 2026 is Thanksgiving Day."""
        book(ana.course, rosa, dt.date(2026, 11, 12))
        day, words = offered(nurse, ana)
        assert day == dt.date(2026, 11, 27)
        assert "closed that day (Thanksgiving Day), so the next open day" in words

    def test_a_regimen_without_a_second_visit_offers_none(self, nurse, harbor, rosa):
        patient = make_patient(harbor, rosa, "Abe", regimen_code="ocrevus-sc")
        book(patient.course, rosa, TODAY + days(20))
        assert offered(nurse, patient)[0] is None

    def test_a_first_infusion_ordered_for_a_closed_day_moves_on(self, nurse, harbor, rosa):
        patient = make_patient(harbor, rosa, "Abe", ordered_for=dt.date(2026, 3, 14))
        assert offered(nurse, patient)[0] == dt.date(2026, 3, 16)

    def test_the_night_of_a_clock_change_is_one_day(self, nurse, harbor, rosa, clock):
        """On Sunday, March 8, 2026 New York loses an hour: at midnight the 9th begins."""
        patient = make_patient(harbor, rosa, "Abe", ordered_for=dt.date(2026, 3, 8))
        clock.move_to(dt.datetime(2026, 3, 8, 4, 59, tzinfo=dt.UTC), tick=False)  # still the 7th
        assert offered(nurse, patient)[0] == dt.date(2026, 3, 9)
        clock.move_to(dt.datetime(2026, 3, 9, 3, 59, tzinfo=dt.UTC), tick=False)  # still the 8th
        assert offered(nurse, patient)[0] == dt.date(2026, 3, 9)
        clock.move_to(dt.datetime(2026, 3, 9, 4, 0, tzinfo=dt.UTC), tick=False)
        assert offered(nurse, patient)[0] is None


class TestOnHold:
    def hold(self, course, actor, until: dt.date | None) -> None:
        Hold.objects.create(
            course=course,
            starts_on=TODAY,
            ends_on=until,
            reason="infection",
            recorded_by=actor,
            recorded_at=NOW,
        )

    def test_the_first_day_after_the_hold_is_offered(self, nurse, ben, rosa):
        self.hold(ben.course, rosa, dt.date(2026, 4, 15))
        assert offered(nurse, ben)[0] == dt.date(2026, 4, 15)

    def test_or_the_next_open_one(self, nurse, ben, rosa):
        self.hold(ben.course, rosa, dt.date(2026, 4, 18))
        day, words = offered(nurse, ben)
        assert day == dt.date(2026, 4, 20)
        assert "The clinic is closed on Saturday, April 18, 2026: no visits on Saturdays." in words

    def test_never_a_day_inside_the_hold(self, nurse, ben, rosa, harbor):
        self.hold(ben.course, rosa, dt.date(2026, 4, 17))
        close(harbor, "2026-04-17", "2026-05-31")
        day, words = offered(nurse, ben)
        assert day is None
        assert "No day near it is open." in words

    def test_a_hold_without_an_end_offers_no_day(self, nurse, ben, rosa):
        self.hold(ben.course, rosa, None)
        assert offered(nurse, ben)[0] is None

    def test_nor_a_second_visit(self, nurse, ana, rosa):
        book(ana.course, rosa, TODAY + days(20))
        self.hold(ana.course, rosa, None)
        assert offered(nurse, ana)[0] is None


class TestBookingAClosedDay:
    def test_it_is_asked_about_and_can_be_booked(self, nurse, ben, harbor):
        close(harbor, "2026-04-10", title="Staff training")
        address = f"/staff/patients/{ben.pk}/book/"
        asked = nurse.post(address, answers(4, 10))
        told = "The clinic is closed on Friday, April 10, 2026: Staff training. The next open day"
        assert f"{told} is Monday, April 13, 2026." in text(asked)
        assert "Book anyway" in text(asked)
        assert visits(ben) == []
        nurse.post(address, kept(asked) | {"anyway": "1"})
        assert visits(ben) == [at(4, 10)]
        ben.course.refresh_from_db()
        assert ben.course.next_due_on == DUE

    def test_an_earlier_day_is_named_where_no_later_one_is_open(self, nurse, ben, harbor):
        close(harbor, "2026-04-14", "2026-04-24")
        asked = text(nurse.post(f"/staff/patients/{ben.pk}/book/", answers(4, 24)))
        assert "Inventory. The nearest open day is Monday, April 13, 2026." in asked

    def test_none_is_named_where_none_is_open(self, nurse, ben, harbor):
        close(harbor, "2026-03-20", "2026-05-20")
        asked = text(nurse.post(f"/staff/patients/{ben.pk}/book/", answers(4, 24)))
        assert "Inventory. No day near it is open." in asked

    def test_outside_the_window_both_questions_are_on_one_page(self, nurse, ben):
        asked = text(nurse.post(f"/staff/patients/{ben.pk}/book/", answers(4, 25)))
        assert "Saturday, April 25, 2026: no visits on Saturdays. The next open day" in asked
        assert "This is 15 days after the due date" in asked

    def test_the_same_form_again_is_not_asked_about(self, nurse, ben, harbor):
        close(harbor, "2026-04-10")
        address, sent = f"/staff/patients/{ben.pk}/book/", answers(4, 10)
        nurse.post(address, sent | {"anyway": "1"})
        assert nurse.post(address, sent).status_code == 302
        assert visits(ben) == [at(4, 10)]

    def test_without_a_dose_to_book_it_is_asked_too(self, nurse, ana):
        asked = text(nurse.post(f"/staff/patients/{ana.pk}/book/", answers(4, 11)))
        assert "Saturday, April 11, 2026: no visits on Saturdays. The next open day" in asked

    @pytest.mark.parametrize("year", [2026, 2100])
    def test_any_year_that_can_be_typed_is_answered(self, nurse, ben, year):
        page = nurse.post(f"/staff/patients/{ben.pk}/book/", answers(12, 31, year))
        assert page.status_code == 200


class TestNearADayOff:
    def test_the_offered_day_has_a_note(self, nurse, ben, harbor):
        close(harbor, "2026-04-09", title="Staff training")
        day, words = offered(nurse, ben)
        assert day == DUE
        told = "Near a day off: the clinic is closed on Thursday, April 9, 2026 (Staff training)."
        assert told in words

    def test_the_closed_due_day_itself_is_told_of_once(self, nurse, carla, harbor):
        close(harbor, "2026-03-19", title="Staff training")
        close(harbor, "2026-03-21", title="Inventory")
        day, words = offered(nurse, carla)
        assert day == dt.date(2026, 3, 20)
        assert words.count("Staff training") == 1
        assert "Near a day off: the clinic is closed on Saturday, March 21, 2026 (Inv" in words

    def test_a_chosen_day_is_booked_at_once_with_the_note(self, nurse, ben, harbor):
        close(harbor, "2026-04-14", title="Staff training")
        page = nurse.post(f"/staff/patients/{ben.pk}/book/", answers(4, 13), follow=True)
        told = "Near a day off: the clinic is closed on Tuesday, April 14, 2026 (Staff training)."
        assert f"Booked: Monday, April 13, 2026, 9:00 a.m. {told}" in text(page)
        assert visits(ben) == [at(4, 13)]

    def test_a_weekend_is_no_day_off(self, nurse, ben):
        page = nurse.post(f"/staff/patients/{ben.pk}/book/", answers(4, 13), follow=True)
        assert "Near a day off" not in text(page)


class TestMoving:
    @pytest.fixture
    def visit(self, nurse, ben, rosa) -> Appointment:
        return book(ben.course, rosa, dt.date(2026, 4, 14), 14)

    @pytest.fixture
    def here(self, visit, ben) -> str:
        return f"/staff/patients/{ben.pk}/visits/{visit.pk}/move/"

    def test_an_open_day_stays_as_it_is(self, nurse, here):
        page = nurse.get(here)
        assert page.context["form"].initial["day"] == dt.date(2026, 4, 14)
        assert "closed" not in text(page)

    def test_a_visit_on_a_new_closure_is_offered_the_next_open_day(self, nurse, here, harbor):
        close(harbor, "2026-04-14", "2026-04-15", "Water damage")
        page = nurse.get(here)
        assert page.context["form"].initial == {"day": dt.date(2026, 4, 16), "time": dt.time(14)}
        told = "The clinic is closed on Tuesday, April 14, 2026: Water damage. The next open day is"
        assert f"{told} Thursday, April 16, 2026." in text(page)

    def test_with_no_open_day_the_booked_one_is_shown(self, nurse, here, harbor):
        close(harbor, "2026-03-01", "2026-05-31")
        assert nurse.get(here).context["form"].initial["day"] == dt.date(2026, 4, 14)

    def test_moving_to_a_closed_day_is_asked_about(self, nurse, here, ben):
        asked = nurse.post(here, answers(4, 18))
        assert "Saturday, April 18, 2026: no visits on Saturdays." in text(asked)
        assert "Move anyway" in text(asked)
        assert visits(ben) == [at(4, 14, 14)]
        nurse.post(here, kept(asked) | {"anyway": "1"})
        assert visits(ben) == [at(4, 18)]

    def test_a_visit_of_the_past_keeps_its_day(self, nurse, here, clock, harbor, rosa):
        close(harbor, "2026-04-14")
        clock.move_to(at(4, 16), tick=False)
        signed_in(rosa, nurse)
        page = nurse.get(here)
        assert page.context["form"].initial["day"] == dt.date(2026, 4, 14)
        assert "closed" not in text(page)

    def test_a_stopped_course_shows_no_day_off(self, nurse, here, ben, priya):
        """The visit went with the course; the page says so instead of breaking."""
        actions.cancel_visit(visit=Appointment.objects.get(), actor=priya, now=NOW)
        assert "no longer booked" in text(nurse.get(here, follow=True))


def test_the_open_days_of_the_clinic_count(nurse, ben, harbor):
    ClinicRules.objects.create(clinic=harbor, open_weekdays="1")
    assert offered(nurse, ben)[0] == dt.date(2026, 4, 13)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ((4, 6), "After natalizumab the first infusion may be given from April 7, 2026 on."),
        ((4, 7), ""),
        ((4, 24), ""),
        ((4, 27), "This is more than 45 days after the last natalizumab dose."),
    ],
)
def test_a_first_visit_is_asked_about_when_the_wash_out_says_so(clock, ana, rosa, day, words):
    """The last natalizumab dose was on March 10, 2026."""
    answer_all(ana, rosa)
    Course.objects.filter(patient=ana).update(
        previous_drug="natalizumab", previous_last_on=dt.date(2026, 3, 10)
    )
    there = f"/staff/patients/{ana.pk}/book/"
    assert words in text(signed_in(rosa).post(there, answers(*day), follow=True))
    assert len(visits(ana)) == (not words)
