"""The patient's home page."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schedules import actions
from tests.cast import NOW, TODAY, book, days, give, make_patient, signed_in


@pytest.fixture
def client(clock, ben):
    return signed_in(ben.user)


def text(page) -> str:
    return " ".join(page.content.decode().split())


def test_one_glance_has_the_status_the_date_and_the_phone(client):
    page = text(client.get("/home/"))
    for words in ("Time to book", "April 10, 2026", "in 4 weeks", "Call to book"):
        assert words in page
    assert 'href="tel:5550100142"' in page


def test_it_says_why(client):
    page = text(client.get("/home/"))
    assert "Your last infusion was on October 10, 2025." in page
    assert "October 10, 2025 plus 6 months is April 10, 2026." in page


def test_it_names_the_next_two_dates(client):
    page = client.get("/home/")
    assert page.context["later"] == (dt.date(2026, 10, 10), dt.date(2027, 4, 10))
    assert "Planned dates can move." in text(page)


def test_it_says_when_booking_opens_as_long_as_it_is_closed(client, clock):
    assert client.get("/home/").context["booking_opens"] is None
    clock.move_to(dt.datetime(2026, 1, 5, 15, tzinfo=dt.UTC), tick=False)
    assert client.get("/home/").context["booking_opens"] == dt.date(2026, 1, 30)


def test_past_infusions_are_listed_without_mistakes(client, ben, rosa):
    recorded = give(ben.course, rosa, TODAY, now=NOW)
    actions.undo_infusion(infusion=recorded.infusion, actor=rosa, now=NOW)
    page = text(client.get("/home/"))
    assert '<time datetime="2025-10-10">October 10, 2025</time></th><td><span>600 mg' in page
    assert "March 12, 2026</time>" not in page


def test_times_are_on_the_clinics_clock(client):
    assert "Updated Thursday, March 12, 2026 at 11:00 a.m." in text(client.get("/home/"))


def test_new_people_see_a_page_too(clock, ana):
    page = text(signed_in(ana.user).get("/home/"))
    assert "No date yet" in page
    assert "No infusions recorded yet." in page


def test_an_order_without_a_visit_is_no_date_yet(clock, harbor, rosa):
    patient = make_patient(harbor, rosa, "Abe", ordered_for=TODAY + days(30))
    page = signed_in(patient.user).get("/home/")
    assert (page.context["reasons"], page.context["later"]) == ([], ())


def test_late_people_are_promised_no_later_dates(client, clock, ben):
    clock.move_to(dt.datetime(2026, 5, 5, 15, tzinfo=dt.UTC), tick=False)
    signed_in(ben.user, client)
    assert client.get("/home/").context["later"] == ()


def test_a_couple_with_one_address_chooses_first(client, ben, harbor, rosa):
    partner = make_patient(harbor, rosa, "Abe", email=ben.email)
    page = text(client.get("/home/"))
    assert "Whose dates do you want to see?" in page
    assert client.get("/home/", {"record": partner.pk}).context["patient"] == partner


@pytest.mark.parametrize("record", ["", "x", "9" * 40])
def test_a_strange_choice_asks_again(client, ben, harbor, rosa, record):
    make_patient(harbor, rosa, "Abe", email=ben.email)
    assert "Whose dates" in text(client.get("/home/", {"record": record}))


def test_a_long_history_takes_no_more_queries(client, ben, harbor, rosa):
    with CaptureQueriesContext(connection) as short:
        client.get("/home/")
    for number in range(8):
        give(ben.course, rosa, dt.date(2016, 3, 1) + days(183 * number))
    book(ben.course, rosa, TODAY + days(29))
    with CaptureQueriesContext(connection) as long:
        client.get("/home/")
    assert len(short) == len(long) <= 12


def test_it_only_takes_what_a_page_takes(client):
    assert client.post("/home/").status_code == 405
