"""The staff page with a patient's mails."""

import pytest
from django.urls import reverse
from django.utils.html import escape

from reminders import outbox
from reminders.models import Reminder, State
from reminders.views import LOOKS
from tests.cast import NOW, signed_in

from .conftest import due_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def course(harbor, rosa):
    course = due_course(harbor, rosa, due_in=60)
    outbox.plan(now=NOW)
    return course


@pytest.fixture
def url(course) -> str:
    return reverse("reminders:mails", args=[course.patient_id])


def page(user, url) -> str:
    response = signed_in(user).get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_a_planned_mail_is_listed_with_its_time_at_the_clinic(rosa, url):
    html = page(rosa, url)
    assert "Time to book" in html
    assert "To be sent Thursday, March 12, 2026, 11:00 a.m." in html


def test_a_sent_mail_can_be_read_as_it_was_sent(rosa, url, sink):
    outbox.deliver(now=NOW)
    html = page(rosa, url)
    assert "Sent Thursday, March 12, 2026, 11:00 a.m." in html
    assert "<summary>Time to book your clinic visit</summary>" in html
    assert "It is due around Monday, May 11, 2026." in html


@pytest.mark.parametrize("state", State)
def test_every_state_has_words_and_a_look(rosa, url, state):
    Reminder.objects.update(state=state)
    assert str(escape(state.label)) in page(rosa, url)


def test_what_did_not_get_through_looks_like_it():
    assert {LOOKS[state] for state in (State.FAILED, State.EXPIRED, State.BOUNCED)} == {"late"}


def test_the_text_of_a_mail_cannot_write_the_page(rosa, url):
    Reminder.objects.update(body_text="<script>alert(1)</script>", subject="<b>")
    html = page(rosa, url)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


def test_nothing_sent_yet_is_said(rosa, url):
    Reminder.objects.all().delete()
    assert "No emails yet." in page(rosa, url)


def test_without_an_address_the_clinic_calls(rosa, course, url):
    type(course.patient).objects.update(email="")
    assert "None on file: call instead" in page(rosa, url)


def test_who_wants_no_mail_is_called(rosa, course, url):
    type(course.patient).objects.update(wants_reminders=False)
    assert "does not want email reminders: call instead" in page(rosa, url)


@pytest.mark.parametrize("who", ["nils", "mallory", "the patient"])
def test_nobody_else_finds_the_page(request, course, url, who):
    user = course.patient.user if who == "the patient" else request.getfixturevalue(who)
    assert signed_in(user).get(url).status_code == 404


def test_a_stranger_is_led_to_the_door(client, url):
    assert client.get(url).status_code == 302


def test_it_is_only_for_reading(rosa, url):
    assert signed_in(rosa).post(url).status_code == 405


def test_a_hundred_mails_cost_as_many_queries_as_one(rosa, course, url, django_assert_num_queries):
    for kind in ("book-2", "book-3", "overdue-1"):
        Reminder.objects.create(
            course=course, patient=course.patient, kind=kind, due_on=course.next_due_on,
            due_version=1, next_at=NOW, not_after=NOW, state=State.ACCEPTED,
        )  # fmt: skip
    client = signed_in(rosa)
    with django_assert_num_queries(9):  # one of them tells the trail who looked
        client.get(url)
