"""The page behind an invitation's link, and the staff's page about who sees a record."""

import re
import uuid

import pytest
from django.test import Client
from django.urls import reverse

from ocrevus_tracker.accounts.models import Role, User
from schedules import actions
from schedules.models import MOST_TRIES, Patient, PatientInvitation
from tests.cast import NOW, PASSWORD, days, make_staff, signed_in
from tests.schedules.test_views_record import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

RIGHT = {"born_month": "3", "born_day": "27", "born_year": "1985"}
WRONG = RIGHT | {"born_day": "28"}
TELLING = ("Dora", "Example", "Harbor", "infusion", "Ocrevus", "1985", "dora@", "(555)")


def link(invitation) -> str:
    return reverse("patient:claim", args=[invitation.token])


def without_token(page) -> str:
    """The words of a page; the token of its forms is masked anew each time."""
    return re.sub(r'value="\w{64}"', "", text(page))


def state() -> list:
    return [*PatientInvitation.objects.values(), *Patient.objects.values(), *User.objects.values()]


class TestTheLink:
    @pytest.mark.parametrize("method", ["get", "head", "options", "put", "delete", "patch"])
    def test_looking_at_it_changes_nothing(self, client, sent, method):
        before = state()
        getattr(client, method)(link(sent), RIGHT)
        assert state() == before

    def test_it_says_nothing_before_the_birth_date_is_right(self, client, sent):
        pages = [client.get(link(sent)), client.post(link(sent), WRONG)]
        for page in pages:
            assert page.status_code == 200
            # What was typed is shown again, whoever typed it.
            assert not [word for word in TELLING if word in text(page).replace('value="1985"', "")]
            assert "no-store" in page["Cache-Control"]

    def test_the_birth_date_opens_the_dates(self, client, dora, sent):
        page = client.post(link(sent), RIGHT, follow=True)
        assert "Your next infusion" in text(page)
        assert page.wsgi_request.user == Patient.objects.get(pk=dora.pk).user
        assert client.session.get_expire_at_browser_close()

    def test_a_wrong_date_is_refused_in_words_that_tell_nothing(self, client, sent):
        page = client.post(link(sent), WRONG)
        assert "That date does not match. Check it and try again." in text(page)
        assert "_auth_user_id" not in client.session

    @pytest.mark.parametrize(
        ("answers", "words"),
        [
            ({}, "Enter your date of birth"),
            (RIGHT | {"born_month": "2", "born_day": "31"}, "must be a real date"),
            (RIGHT | {"born_year": "2090"}, "The date of birth must be today or in the past"),
            (RIGHT | {"born_day": "\x00"}, "Day must be a number from 1 to 31"),
        ],
    )
    def test_no_date_is_no_try(self, client, sent, answers, words):
        assert words in text(client.post(link(sent), answers))
        sent.refresh_from_db()
        assert sent.tries == 0

    def test_links_that_have_ended_look_alike(self, client, dora, sent, rosa, clock):
        for _try in range(MOST_TRIES):
            last = client.post(link(sent), WRONG)
        tried_out = client.post(link(sent), RIGHT)
        new = actions.invite_patient(patient=dora, actor=rosa, now=NOW)
        withdrawn = client.get(link(sent))
        clock.move_to(NOW + days(14))
        too_old = client.post(link(new), RIGHT)
        pages = [last, tried_out, withdrawn, too_old]
        assert {page.status_code for page in pages} == {410}
        assert len({page.content for page in pages}) == 1
        assert "This link does not work any more" in text(last)
        assert not Patient.objects.filter(user__isnull=False).exists()

    def test_a_used_link_leads_to_the_door(self, client, sent):
        client.post(link(sent), RIGHT)
        page = Client().post(link(sent), RIGHT)
        assert page.status_code == 410
        assert 'href="/sign-in/"' in page.content.decode()

    @pytest.mark.parametrize("token", ["x", "a" * 43, "a" * 3000])
    def test_a_forged_link_is_a_missing_page(self, client, sent, token):
        missing = client.get("/no/such/page/")
        page = client.post(f"/begin/{token}/", RIGHT)
        assert (page.status_code, page.content) == (404, missing.content)

    def test_another_site_cannot_sign_anybody_in(self, sent):
        strict = Client(enforce_csrf_checks=True)
        assert strict.post(link(sent), RIGHT).status_code == 403
        sent.refresh_from_db()
        assert sent.used_at is None

    def test_it_speaks_the_patients_language(self, client, sent):
        Patient.objects.update(language="es")
        page = client.get(link(sent))
        assert '<html lang="es"' in page.content.decode()
        assert "Su fecha de nacimiento" in text(page)


class TestWhoHasAnAccount:
    def test_goes_through_the_door_that_they_have(self, client, sent):
        """A link is one mailbox; the account may ask for more than that by now."""
        known = User.objects.create_user("dora@example.org")
        page = client.post(link(sent), RIGHT)
        assert page.url == "/sign-in/"
        assert "_auth_user_id" not in client.session
        assert "Now sign in to see your dates." in text(client.get(page.url))
        assert Patient.objects.get(user=known)

    def test_and_works_at_a_clinic_is_not_let_in_by_a_mail(self, client, sent, rosa):
        User.objects.filter(pk=rosa.pk).update(email="dora@example.org")
        client.post(link(sent), RIGHT)
        assert "_auth_user_id" not in client.session

    def test_and_is_signed_in_goes_on(self, sent):
        known = User.objects.create_user("dora@example.org")
        page = signed_in(known).post(link(sent), RIGHT)
        assert page.url == f"/home/?record={sent.patient_id}"

    def test_and_somebody_else_is_signed_in_here_is_asked_who_they_are(self, sent, mallory):
        User.objects.create_user("dora@example.org")
        assert signed_in(mallory).post(link(sent), RIGHT).url == "/sign-in/"

    def test_a_new_account_takes_the_place_of_whoever_was_signed_in(self, sent, mallory):
        page = signed_in(mallory).post(link(sent), RIGHT, follow=True)
        assert page.wsgi_request.user.email == "dora@example.org"


@pytest.fixture
def nurse(rosa) -> Client:
    return signed_in(rosa)


def at(name: str, patient) -> str:
    return reverse(f"staff:{name}", args=[patient.pk])


class TestStaff:
    def test_invite_and_see_how_it_stands(self, nurse, dora):
        assert "Not invited" in text(nurse.get(at("patient", dora)))
        assert "Dora does not see dates online." in text(nurse.get(at("online", dora)))
        page = nurse.post(at("invite", dora), {"entry_key": str(uuid.uuid4())}, follow=True)
        html = text(page)
        assert "An invitation goes to dora@example.org within a minute." in html
        assert "The link works until Thursday, March 26, 2026." in html
        assert "Invited, waiting" in text(nurse.get(at("patient", dora)))

    def test_a_double_tap_invites_once(self, nurse, dora):
        key = {"entry_key": str(uuid.uuid4())}
        for _tap in range(2):
            assert nurse.post(at("invite", dora), key).status_code == 302
        assert PatientInvitation.objects.count() == 1

    def test_a_form_without_a_key_is_shown_again(self, nurse, dora):
        assert "This page was open for a long time" in text(nurse.post(at("invite", dora), {}))
        assert not PatientInvitation.objects.exists()

    def test_who_claimed_it_is_named_and_the_access_can_be_ended(self, nurse, dora, sent):
        Client().post(link(sent), RIGHT)
        assert "Signs in with dora@example.org" in text(nurse.get(at("patient", dora)))
        page = nurse.post(at("end_online", dora), {"reason": "Asked by phone"}, follow=True)
        assert "Online access has ended." in text(page)
        assert Patient.objects.get(pk=dora.pk).user is None

    def test_who_is_signed_in_sees_nothing_with_the_next_request(self, nurse, dora, sent):
        patient = Client()
        patient.post(link(sent), RIGHT)
        assert patient.get("/home/").status_code == 200
        nurse.post(at("end_online", dora), {})
        assert patient.get("/home/").status_code == 404

    def test_a_reason_that_cannot_be_is_explained(self, nurse, dora, sent):
        Client().post(link(sent), RIGHT)
        page = nurse.post(at("end_online", dora), {"reason": "x" * 201})
        assert "There is a problem" in text(page)
        assert Patient.objects.get(pk=dora.pk).user

    def test_what_is_used_up_says_so(self, nurse, dora, sent):
        for _try in range(MOST_TRIES):
            Client().post(link(sent), WRONG)
        assert "too many wrong dates of birth" in text(nurse.get(at("patient", dora)))
        assert "The invitation to dora@example.org is used up" in text(
            nurse.get(at("online", dora))
        )

    def test_another_address_on_file_is_pointed_out(self, nurse, ana, rosa):
        ana.email = "new@example.org"
        actions.change_patient(patient=ana, changed=["email"], actor=rosa, now=NOW)
        html = text(nurse.get(at("online", ana)))
        assert "Ana signs in with <strong>ana@example.org</strong>." in html
        assert "Emails go to another address: new@example.org." in html
        assert "Send an invitation to new@example.org" in html

    def test_taking_an_invitation_back(self, nurse, dora, sent):
        nurse.post(at("withdraw_invitation", dora))
        assert Client().get(link(sent)).status_code == 410

    def test_no_address_is_nowhere_to_send_it(self, nurse, dora):
        Patient.objects.update(email="")
        assert "there is nowhere to send one" in text(nurse.get(at("online", dora)))
        page = nurse.post(at("invite", dora), {"entry_key": str(uuid.uuid4())}, follow=True)
        assert "There is no email address to send an invitation to." in text(page)

    @pytest.mark.parametrize("name", ["invite", "withdraw_invitation", "end_online"])
    def test_another_clinic_finds_no_such_page(self, dora, sent, nils, name):
        stranger = signed_in(nils)
        missing = at(name, dora).replace(f"/{dora.pk}/", "/999999/")
        before = state()
        answer = stranger.post(at(name, dora), {"entry_key": str(uuid.uuid4())})
        none = stranger.post(missing)
        assert (answer.status_code, without_token(answer)) == (404, without_token(none))
        assert state() == before

    def test_an_auditor_sees_no_record(self, harbor, dora):
        client = signed_in(make_staff(harbor, "Aud", Role.AUDITOR))
        assert client.get(at("online", dora)).status_code == 403


def test_a_password_opens_no_record(client, sent):
    client.post(link(sent), RIGHT)
    other = Client()
    other.post("/sign-in/staff/", {"login": "dora@example.org", "password": PASSWORD})
    assert "_auth_user_id" not in other.session
