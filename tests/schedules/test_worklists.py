"""Who is on which list, in which order, and in how many queries."""

import datetime as dt

import pytest
from django.test.utils import CaptureQueriesContext

from schedules import actions, worklists
from schedules.models import Course, Infusion, StopReason
from tests.cast import NOW, TODAY, book, days, give, make_patient, signed_in


def rows(name: str, clinics, now: dt.datetime = NOW) -> list[worklists.Row]:
    count = worklists.counts(clinics, now)[name]
    page = worklists.page_of(name, clinics, now, count=count, number=None)
    assert len(page.object_list) == count
    return list(page.object_list)


def lists_of(course: Course, now: dt.datetime = NOW) -> set[str]:
    """The names of the lists that a course is on; test_screening_list.py is about one of them."""
    clinics, names = [course.patient.clinic], set(worklists.LISTS) - {"screening"}
    return {name for name in names if course in worklists.courses_on(name, clinics, now)}


@pytest.fixture
def course(ben) -> Course:
    """Due on April 10, 2026; booking opens on January 30."""
    return ben.course


def on(month: int, day: int, hour: int = 15) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("now", "lists"),
    [
        (on(1, 29), set()),
        (on(1, 30), {"due"}),
        (on(4, 10), {"due"}),
        (on(4, 11, 3), {"due"}),  # 11 p.m. on April 10 at the clinic
        (on(4, 11), {"late"}),
    ],
)
def test_unbooked_people_go_from_due_to_late(course, now, lists):
    assert lists_of(course, now) == lists


@pytest.mark.parametrize(
    ("now", "lists"),
    [
        (on(4, 9), set()),
        (on(4, 10, 4), {"today"}),  # midnight at the clinic
        (on(4, 11, 3), {"today"}),  # 11 p.m.
        (on(4, 11), {"check"}),
    ],
)
def test_a_visit_goes_from_today_to_check(course, rosa, now, lists):
    book(course, rosa, dt.date(2026, 4, 10))
    assert lists_of(course, now) == lists


def test_a_recorded_visit_is_on_no_list(course, rosa):
    book(course, rosa, TODAY)
    give(course, rosa, TODAY, now=NOW)
    assert lists_of(course) == set()


def test_an_undecided_infusion_is_to_be_checked(course, rosa):
    recorded = give(course, rosa, TODAY, 250, now=NOW, outcome="partial")
    assert lists_of(course) == {"check"}
    assert rows("check", [course.patient.clinic])[0].word == "Stopped early: decide"
    actions.decide_partial(
        infusion=recorded.infusion, actor=rosa, now=NOW, disposition="count-as-given"
    )
    assert lists_of(course) == set()


def test_an_undone_infusion_is_not_to_be_checked(course, rosa):
    recorded = give(course, rosa, TODAY, 250, now=NOW, outcome="partial")
    actions.undo_infusion(infusion=recorded.infusion, actor=rosa, now=NOW)
    assert lists_of(course) == {"due"}


def test_new_people_without_a_date_are_not_lost(ana):
    assert lists_of(ana.course) == {"due"}
    assert rows("due", [ana.clinic])[0].word == "Getting ready to start"


def test_stopped_people_are_on_no_list(course, rosa):
    give(course, rosa, TODAY, 250, now=NOW, outcome="partial")
    actions.stop_course(
        course=course, actor=rosa, now=NOW, stopped_on=TODAY, reason=StopReason.MOVED
    )
    assert lists_of(course) == set()


def test_the_longest_late_come_first_and_say_how_late(harbor, rosa):
    for name, day in (("Abe", 20), ("Bea", 2), ("Cyd", 11)):
        give(make_patient(harbor, rosa, name).course, rosa, dt.date(2025, 9, day))
    late = rows("late", [harbor], on(3, 21))
    assert [(row.patient.given_name, row.word) for row in late] == [
        ("Bea", "Late 19 days"),
        ("Cyd", "Late 10 days"),
        ("Abe", "Late 1 day"),
    ]


def test_after_a_lapse_the_next_step_is_to_look_not_to_book(course):
    (row,) = rows("late", [course.patient.clinic], on(10, 10))
    assert (row.step, row.step_label) == ("staff:patient", "Review")


@pytest.mark.parametrize(("now", "word"), [(on(3, 26), "Time to book"), (on(3, 27), "Book now")])
def test_due_says_how_soon_to_book(course, now, word):
    (row,) = rows("due", [course.patient.clinic], now)
    assert (row.word, row.step_label) == (word, "Book")


def test_today_is_in_order_of_the_clock(harbor, rosa, ana, ben):
    book(ana.course, rosa, TODAY, 14)
    book(ben.course, rosa, TODAY, 12)
    booked = [(row.patient, row.booked, row.step_label) for row in rows("today", [harbor])]
    assert booked == [(ben, "noon", "Record"), (ana, "2:00 p.m.", "Record")]


def test_each_clinic_counts_on_its_own_date(harbor, hill, rosa, nils):
    """At 5 a.m. UTC it is March 13 in New York and still March 12 in Los Angeles."""
    here, there = make_patient(harbor, rosa, "Abe"), make_patient(hill, nils, "Bea")
    book(here.course, rosa, dt.date(2026, 3, 13))
    book(there.course, nils, dt.date(2026, 3, 12))
    today = rows("today", [harbor, hill], on(3, 13, 5))
    assert {row.patient for row in today} == {here, there}


def test_another_clinics_people_are_on_no_list(hill, course):
    assert worklists.counts([hill], on(4, 20)) == dict.fromkeys(worklists.LISTS, 0)


def test_the_next_visit_day_is_told_when_today_is_empty(harbor, rosa, ana, ben):
    assert worklists.next_visit_day([harbor], NOW) is None
    book(ana.course, rosa, TODAY + days(5), 9)
    book(ben.course, rosa, TODAY + days(5), 14)
    assert worklists.next_visit_day([harbor], NOW) == (TODAY + days(5), 2)


@pytest.mark.parametrize("name", worklists.LISTS)
def test_thirty_people_take_as_many_queries_as_one(clock, harbor, rosa, connection, name):
    client = signed_in(rosa)
    counted = []
    for total in (1, 30):
        while harbor.patients.count() < total:
            _fill(name, harbor, rosa)
        with CaptureQueriesContext(connection) as queries:
            page = client.get("/staff/", {"list": name})
        assert len(page.context["rows"].object_list) == min(total, 25)
        counted.append(len(queries))
    assert counted[0] == counted[1] <= (20 if name == "screening" else 13)


def _fill(name: str, harbor, rosa) -> None:
    """One more person on the list called `name`."""
    course = make_patient(harbor, rosa, f"P{harbor.patients.count()}").course
    last = {"late": 200, "due": 150}.get(name, 180)
    give(course, rosa, TODAY - days(last))
    if name == "today":
        book(course, rosa, TODAY)
    if name == "check":
        book(course, rosa, TODAY - days(1), now=NOW - days(3))


@pytest.fixture
def connection(db):
    from django.db import connection  # noqa: PLC0415 - only behind `db`

    return connection


class TestPage:
    def test_today_is_the_first_list(self, clock, rosa):
        page = signed_in(rosa).get("/staff/")
        assert page.context["name"] == "today"
        assert "No visits today." in page.content.decode()

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("late", "No one is late. Checked at 11:00 a.m."),
            ("due", "Everyone due soon has a date."),
            ("screening", "All checks are done for the next 6 weeks."),
            ("check", "Nothing to check."),
            ("nonsense", "No visits today."),
        ],
    )
    def test_an_empty_list_says_so(self, clock, rosa, name, words):
        assert words in signed_in(rosa).get("/staff/", {"list": name}).content.decode()

    def test_an_empty_today_names_the_next_day(self, clock, ana, rosa):
        book(ana.course, rosa, TODAY + days(7))
        page = signed_in(rosa).get("/staff/").content.decode()
        assert "Next visit: Thursday, March 19, 2026, 1 person." in page

    @pytest.mark.parametrize("number", ["2", "99", "x", "-1"])
    def test_any_page_number_shows_a_page(self, clock, harbor, rosa, number):
        for _n in range(26):
            _fill("late", harbor, rosa)
        page = signed_in(rosa).get("/staff/", {"list": "late", "page": number})
        assert page.status_code == 200
        assert len(page.context["rows"].object_list) == (25 if number == "x" else 1)


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"elsewhere": True, "day_known": False}, "History not complete"),
        ({"elsewhere": True, "ordinal_known": False}, "History not complete"),
        (
            {"outcome": "partial", "disposition": "complete-remainder"},
            "Rest of the infusion not recorded yet",
        ),
    ],
)
def test_what_is_not_whole_is_to_be_checked(course, facts, word):
    course.infusions.update(**facts)
    assert [row.word for row in rows("check", [course.patient.clinic])] == [word]


def test_once_the_rest_is_recorded_nothing_is_to_be_checked(course, rosa):
    course.infusions.update(outcome="partial", disposition="complete-remainder")
    Infusion.objects.create(
        course=course,
        given_on=TODAY,
        recorded_on=TODAY,
        recorded_by=rosa,
        recorded_at=NOW,
        dose_mg=300,
        remainder=True,
    )
    assert "check" not in lists_of(course)
