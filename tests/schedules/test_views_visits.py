"""Booking, moving and cancelling a visit."""

import datetime as dt
import uuid

import pytest
from django.core.exceptions import ValidationError

from schedules import actions
from schedules.forms.visits import read_time
from schedules.models import Appointment
from tests.cast import NEW_YORK, NOW, TODAY, book, days, give, signed_in
from tests.schedules.test_views_record import kept, text


def at(month: int, day: int, hour: int = 9, minute: int = 0, year: int = 2026) -> dt.datetime:
    """A time on the wall clock of New York."""
    return dt.datetime(year, month, day, hour, minute, tzinfo=NEW_YORK)


def answers(month=4, day=10, year=2026, time="9:00", **changes) -> dict[str, str]:
    parts = {"day_month": str(month), "day_day": str(day), "day_year": str(year), "time": time}
    return parts | {"entry_key": str(uuid.uuid4())} | changes


@pytest.fixture
def address(clock, ben) -> str:
    """Where a visit is booked for Ben, who is due on April 10, 2026."""
    return f"/staff/patients/{ben.pk}/book/"


@pytest.fixture
def nurse(rosa):
    return signed_in(rosa)


def visits(patient) -> list[dt.datetime]:
    booked = Appointment.objects.booked().filter(course__patient=patient)
    return list(booked.values_list("starts_at", flat=True))


@pytest.mark.parametrize(
    ("typed", "time"),
    [
        ("9", (9,)),
        ("9:00", (9,)),
        ("09:00", (9,)),
        ("9:30 am", (9, 30)),
        ("9:30 a.m.", (9, 30)),
        ("1:30pm", (13, 30)),
        ("1 P.M.", (13,)),
        ("13:30", (13, 30)),
        ("1330", (13, 30)),
        ("12", (12,)),
        ("12:15 am", (0, 15)),
        ("12 pm", (12,)),
        (" Noon. ", (12,)),
        ("2:00 am", (2,)),
    ],
)
def test_times_are_read_as_people_write_them(typed, time):
    assert read_time(typed) == dt.time(*time)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("2:00", "Add a.m. or p.m., like 2:00 p.m."),
        ("25:00", "Enter a time"),
        ("9:60", "Enter a time"),
        ("13 pm", "Enter a time"),
        ("0 am", "Enter a time"),
        ("nine", "Enter a time"),
        ("9:00 9:00", "Enter a time"),
    ],
)
def test_a_time_that_could_be_another_is_asked_about(typed, words):
    with pytest.raises(ValidationError, match=words):
        read_time(typed)


class TestBook:
    def test_the_due_date_at_nine_is_offered(self, nurse, address):
        page = nurse.get(address)
        form = page.context["form"]
        assert form.initial == {"day": dt.date(2026, 4, 10), "time": dt.time(9)}
        assert 'value="9:00 a.m."' in text(page)

    def test_the_time_in_the_chair_is_that_of_the_next_dose(self, nurse, address, carla):
        chair = "<dt>Time in the chair</dt><dd>{}</dd>"
        assert chair.format("5 hours 45 minutes") in text(nurse.get(address))
        first = nurse.get(f"/staff/patients/{carla.pk}/book/")
        assert chair.format("4 hours 45 minutes") in text(first)

    def test_once_late_no_day_is_offered(self, nurse, address, clock):
        clock.move_to(at(4, 20), tick=False)
        assert nurse.get(address).context["form"].initial["day"] is None

    def test_visit_2_is_offered_two_weeks_after_visit_1(self, nurse, clock, ana, rosa):
        book(ana.course, rosa, TODAY + days(20))
        form = nurse.get(f"/staff/patients/{ana.pk}/book/").context["form"]
        assert form.initial["day"] == TODAY + days(34)

    def test_a_visit_in_the_window_is_booked_at_once(self, nurse, address, ben):
        page = nurse.post(address, answers(), follow=True)
        assert "<p>Booked: Friday, April 10, 2026, 9:00 a.m.</p>" in text(page)
        assert visits(ben) == [at(4, 10)]

    def test_a_second_tap_keeps_one_copy(self, nurse, address, ben):
        sent = answers()
        nurse.post(address, sent)
        page = nurse.post(address, sent, follow=True)
        assert "Booked: Friday, April 10, 2026, 9:00 a.m." in text(page)
        assert visits(ben) == [at(4, 10)]

    def test_the_same_form_later_says_what_was_kept(self, nurse, address, ben, clock):
        sent = answers()
        nurse.post(address, sent, follow=True)
        clock.move_to(NOW + dt.timedelta(seconds=5), tick=False)
        page = nurse.post(address, sent, follow=True)
        assert "We kept one copy: Friday, April 10, 2026, 9:00 a.m." in text(page)

    def test_a_cancelled_visit_does_not_come_back_with_the_back_button(self, nurse, address, ben):
        sent = answers()
        nurse.post(address, sent, follow=True)
        visit = Appointment.objects.get()
        nurse.post(f"/staff/patients/{ben.pk}/visits/{visit.pk}/cancel/")
        page = nurse.post(address, sent, follow=True)
        assert "That visit is no longer booked." in text(page)
        assert visits(ben) == []

    @pytest.mark.parametrize(
        ("day", "words"),
        [
            ((3, 26), "This is 15 days before the due date, April 10, 2026."),
            ((4, 25), "This is 15 days after the due date, April 10, 2026."),
            ((10, 9), "This is 182 days after the due date, April 10, 2026."),
            ((10, 13), "The treatment has lapsed by October 13, 2026."),
        ],
    )
    def test_outside_the_window_it_asks_once(self, nurse, address, ben, day, words):
        asked = nurse.post(address, answers(*day))
        assert words in text(asked)
        assert visits(ben) == []
        nurse.post(address, kept(asked) | {"anyway": "1"})
        assert visits(ben) == [at(*day)]

    @pytest.mark.parametrize("day", [(3, 27), (4, 24)])
    def test_the_last_days_of_the_window_are_inside(self, nurse, address, ben, day):
        assert nurse.post(address, answers(*day)).status_code == 302

    def test_a_choice_to_restart_answers_the_question_about_the_lapse(
        self, clock, address, ben, priya
    ):
        clock.move_to(at(10, 12, 12))
        actions.choose_restart(
            course=ben.course, actor=priya, now=at(10, 12, 12), choice="single", reason="Stable"
        )
        page = signed_in(priya).post(address, answers(10, 13)).content.decode()
        assert "has lapsed" not in page

    def test_choosing_another_date_keeps_what_was_typed(self, nurse, address):
        asked = nurse.post(address, answers(5, 30, time="2 pm"))
        form = nurse.post(address, kept(asked) | {"fix": "1"}).context["form"]
        assert (form["day"].value(), form["time"].value()) == (["5", "30", "2026"], "2 pm")

    def test_nothing_is_booked_before_a_clinician_decides(self, nurse, address, ben, rosa):
        give(ben.course, rosa, TODAY - days(1), 250, outcome="partial", now=NOW)
        assert address not in text(nurse.get(f"/staff/patients/{ben.pk}/"))
        page = text(nurse.post(address, answers()))
        assert "Nothing can be booked yet: what the last infusion counts as is not decided." in page
        assert visits(ben) == []

    def test_a_second_visit_is_asked_about(self, nurse, address, ben):
        nurse.post(address, answers())
        page = text(nurse.post(address, answers(4, 13)))
        assert "booked already: Friday, April 10, 2026, 9:00 a.m. To change it" in page

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"day_month": "2", "day_day": "31"}, "The date must be a real date"),
            ({"day_day": "11", "day_month": "3"}, "must be today or in the future"),
            ({"day_month": "", "day_day": "", "day_year": ""}, "Enter the date of the visit"),
            ({"time": ""}, "Enter the time of the visit"),
            ({"time": "9" * 30}, "Enter a time"),
            ({"time": "9:00\x00"}, "cannot be shown"),
            ({"entry_key": "x"}, "This page was open for a long time"),
        ],
    )
    def test_bad_input_is_explained(self, nurse, address, ben, changes, words):
        page = nurse.post(address, answers() | changes)
        assert page.status_code == 200
        assert words in text(page)
        assert visits(ben) == []

    def test_a_time_that_the_clock_skips_is_refused(self, nurse, address, clock):
        """On March 14, 2027 New York goes from 2 to 3 a.m."""
        page = nurse.post(address, answers(3, 14, 2027, time="2:30 am"))
        assert "The clocks go forward that night: there is no 2:30 a.m. on March 14" in text(page)

    def test_a_time_that_the_clock_shows_twice_is_the_first(self, nurse, address, ben):
        """On November 1, 2026 it is 1:30 a.m. twice; 5:30 UTC is the first."""
        nurse.post(address, answers(11, 1, time="1:30 am", anyway="1"))
        assert visits(ben) == [dt.datetime(2026, 11, 1, 5, 30, tzinfo=dt.UTC)]


class TestTooEarly:
    """Ben had an infusion today, so the earliest day is August 12, 2026."""

    @pytest.fixture
    def sent(self, ben, rosa, address) -> dict[str, str]:
        give(ben.course, rosa, TODAY, now=NOW)
        return answers(8, 11, anyway="1")

    def test_a_nurse_is_refused_and_not_asked_for_a_reason(self, nurse, address, sent, ben):
        page = nurse.post(address, sent | {"reason": "Holiday"})
        assert "The earliest day is August 12, 2026." in text(page)
        assert "Reason for a visit before" not in text(page)
        assert visits(ben) == []

    def test_it_is_refused_at_once_not_after_a_question(self, nurse, address, sent):
        del sent["anyway"]
        assert "The earliest day is August 12, 2026." in text(nurse.post(address, sent))

    def test_a_prescriber_gives_a_reason(self, address, sent, ben, priya):
        client = signed_in(priya)
        assert "The earliest day is August 12, 2026." in text(client.post(address, sent))
        client.post(address, sent | {"reason": "Travels later"})
        assert visits(ben) == [at(8, 11)]


class TestMoveAndCancel:
    @pytest.fixture
    def visit(self, address, ben, rosa) -> Appointment:
        return book(ben.course, rosa, dt.date(2026, 4, 10), 14)

    @pytest.fixture
    def here(self, visit, ben) -> str:
        return f"/staff/patients/{ben.pk}/visits/{visit.pk}"

    def test_the_booked_time_is_there_already(self, nurse, here):
        form = nurse.get(f"{here}/move/").context["form"]
        assert form.initial == {"day": dt.date(2026, 4, 10), "time": dt.time(14)}

    def test_a_moved_visit_is_one_visit(self, nurse, here, ben):
        page = nurse.post(f"{here}/move/", answers(4, 13, time="9:30"), follow=True)
        assert "Booked: Monday, April 13, 2026, 9:30 a.m." in text(page)
        assert visits(ben) == [at(4, 13, 9, 30)]

    def test_moving_outside_the_window_asks(self, nurse, here, ben):
        asked = nurse.post(f"{here}/move/", answers(4, 30))
        assert "Move anyway" in text(asked)
        nurse.post(f"{here}/move/", kept(asked) | {"anyway": "1"})
        assert visits(ben) == [at(4, 30)]

    def test_a_refused_move_keeps_the_visit(self, nurse, here, ben):
        page = nurse.post(f"{here}/move/", answers(3, 5))
        assert "must be today or in the future" in text(page)
        assert visits(ben) == [at(4, 10, 14)]

    def test_cancelling_asks_first(self, nurse, here, ben):
        assert "Cancel this visit?" in text(nurse.get(f"{here}/cancel/"))
        assert len(visits(ben)) == 1
        page = nurse.post(f"{here}/cancel/", follow=True)
        assert "The visit is cancelled. The due date stays as it is." in text(page)
        assert visits(ben) == []

    @pytest.mark.parametrize("act", ["move", "cancel"])
    def test_a_visit_that_is_over_is_left_alone(self, nurse, here, ben, act):
        nurse.post(f"{here}/cancel/")
        page = nurse.post(f"{here}/{act}/", answers(4, 13), follow=True)
        assert "This visit is no longer booked." in text(page)
        assert visits(ben) == []
