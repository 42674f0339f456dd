"""The page on which a person who was asked to help says yes or no."""

import pytest
from django.test import Client

from reminders import helpers
from reminders.links import invitation_path, stop_path
from reminders.models import Helper, Reminder
from schedules.models import Patient
from tests.cast import NOW, days, signed_in

from .test_stop_page import everything, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

YES, NO = {"answer": "yes"}, {"answer": "no"}


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def hal(ben) -> Helper:
    ben.family_name = "Rarename"
    ben.save()
    asked = {"name": "Hal Helper", "email": "hal@example.org", "can": "reminders"}
    return helpers.invite_helper(patient=ben, actor=ben.user, now=NOW, **asked).helper


def standing(helper) -> tuple:
    helper.refresh_from_db()
    return helper.accepted_at, helper.removed_at


@pytest.mark.parametrize("method", ["get", "head", "options", "put", "delete", "patch"])
def test_looking_at_the_page_changes_nothing(client, hal, method):
    before = everything()
    getattr(client, method)(invitation_path(hal))
    getattr(client, method)(invitation_path(hal) + "?answer=yes")
    assert everything() == before


def test_it_says_who_asks_by_first_name_alone(client, hal, ben):
    for visitor in (client, signed_in(ben.user)):
        page = visitor.get(invitation_path(hal))
        html = text(page)
        assert "Ben wants to share dates with you" in html
        assert "You also get a copy of the emails that we send to Ben." in html
        assert "No, thank you" in html
        for word in ("Rarename", "example.org", "Harbor", "infusion", "Ocrevus", "2026"):
            assert word not in html
        assert "no-store" in page["Cache-Control"]


def test_yes_opens_the_dates_to_whoever_signs_in(client, hal):
    page = client.post(invitation_path(hal), YES)
    assert "You can see Ben's dates" in text(page)
    assert "We also send you a copy of our emails to Ben." in text(page)
    assert standing(hal) == (NOW, None)
    assert "_auth_user_id" not in client.session
    assert hal.grant.user.email == "hal@example.org"


def test_an_invitation_from_before_is_about_copies_alone(client, hal):
    Helper.objects.update(sees_dates=False)
    html = text(client.get(invitation_path(hal)))
    assert "Ben wants to share emails with you" in html
    assert "Yes, send me copies" in html
    page = client.post(invitation_path(hal), YES)
    assert "We will send you a copy of our emails to Ben." in text(page)
    assert "Every copy has a link to stop them." in text(page)
    hal.refresh_from_db()
    assert hal.grant is None


def test_no_ends_it(client, hal):
    page = client.post(invitation_path(hal), NO)
    assert page.status_code == 200
    assert "Thank you for your answer. We will not email you." in text(page)
    assert standing(hal) == (None, NOW)


@pytest.mark.parametrize(("answer", "expected"), [(YES, (NOW, None)), (NO, (None, NOW))])
def test_a_second_tap_says_the_same(client, hal, clock, answer, expected):
    first = client.post(invitation_path(hal), answer)
    clock.move_to(NOW + days(1))
    second = client.post(invitation_path(hal), answer)
    assert first.content == second.content
    assert standing(hal) == expected


def test_no_after_yes_is_not_what_the_page_offers(client, hal):
    """A link that a scanner or a colleague posts to again takes nobody's copies away."""
    client.post(invitation_path(hal), YES)
    assert "You said yes." in text(client.post(invitation_path(hal), NO))
    assert standing(hal) == (NOW, None)


def test_who_said_yes_sees_that_the_link_is_used(client, hal):
    client.post(invitation_path(hal), YES)
    html = text(client.get(invitation_path(hal)))
    assert "You said yes." in html
    assert "Every copy has a link to stop them." in html
    assert stop_path(Reminder(patient=hal.patient, kind="book-1", recipient=hal.recipient))


def test_an_old_link_says_whom_to_ask(client, hal, clock):
    clock.move_to(NOW + days(14))
    page = client.get(invitation_path(hal))
    assert page.status_code == 410
    assert "This invite is too old. Ask Ben to send a new one." in text(page)
    assert client.post(invitation_path(hal), YES).status_code == 410
    assert standing(hal) == (None, None)


def test_a_removed_link_says_whom_to_ask(client, hal, ben):
    helpers.remove_helper(helper=hal, actor=ben.user, now=NOW)
    before = everything()
    for page in (client.get(invitation_path(hal)), client.post(invitation_path(hal), YES)):
        assert page.status_code == 410
        assert "This invite does not work any more. Ask Ben to send a new one." in text(page)
    assert everything() == before


@pytest.mark.parametrize("answer", [{}, {"answer": "maybe"}, {"answer": "\x00"}])
def test_another_answer_is_none(client, hal, answer):
    before = everything()
    page = client.post(invitation_path(hal), answer)
    assert "Ben wants to share dates with you" in text(page)
    assert everything() == before


def test_a_forged_link_looks_like_any_missing_page(client, hal, ben):
    missing = client.get("/no/such/page/")
    token = invitation_path(hal).split("/")[-2]
    signature = token.rsplit(".", 1)[1]
    stop = stop_path(Reminder(patient=ben, kind="book-1", recipient="patient"))
    assert stop
    for forged in (f"help-{hal.pk + 1}.{signature}", token[:-1], "x", stop.split("/")[-2]):
        page = client.post(f"/mail/helper/{forged}/", YES)
        assert (page.status_code, page.content) == (404, missing.content)
    assert standing(hal) == (None, None)


def test_it_speaks_the_patients_language(client, hal):
    Patient.objects.filter(pk=hal.patient_id).update(language="es")
    page = client.get(invitation_path(hal))
    assert '<html lang="es"' in page.content.decode()
    assert "Ben quiere compartir fechas con usted" in text(page)


def test_a_name_cannot_write_the_page(client, hal):
    Patient.objects.update(given_name="<script>{{7*7}}{%x%}%s")
    html = client.get(invitation_path(hal)).content.decode()
    assert "&lt;script&gt;{{7*7}}{%x%}%s" in html
    assert "<script>{{" not in html
