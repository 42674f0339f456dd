"""What a helper sees when signed in: somebody's dates, plainly theirs, and nothing else."""

import pytest
from django.test import Client

from ocrevus_tracker.accounts.models import Role
from ocrevus_tracker.audit.models import VIEW, Entry
from reminders import helpers
from reminders.models import Helper
from schedules.models import Grant
from tests.cast import NOW, book, days, make_staff, signed_in

from .test_stop_page import everything, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def helping(patient, email: str = "hal@example.org", *, can: str = "tell") -> Helper:
    asked = {"name": "Hal", "email": email, "can": can, "actor": patient.user}
    helper = helpers.invite_helper(patient=patient, now=NOW, **asked).helper
    helpers.accept_invitation(helper=helper, now=NOW)
    helper.refresh_from_db()
    return helper


@pytest.fixture
def hal(ben) -> Client:
    return signed_in(helping(ben).grant.user)


def test_the_dates_with_a_band_that_says_whose(hal, ben):
    html = text(hal.get("/home/"))
    assert "You are looking at <strong>Ben's</strong> dates." in html
    assert "April 10, 2026" in html
    assert "<h1>Ben: next infusion</h1>" in html


def test_nobody_sees_a_band_on_their_own_dates(ben):
    assert "You are looking at" not in text(signed_in(ben.user).get("/home/"))


def test_neither_notes_nor_staff_words(hal, ben, rosa):
    visit = book(ben.course, rosa, NOW.date() + days(40))
    ben.course.infusions.update(note="A secret note")
    html = text(hal.get("/home/"))
    assert str(visit.pk)
    assert "A secret note" not in html
    assert "Your next infusion" not in html


def test_no_pages_about_the_patients_mails(hal, ben):
    before = everything()
    for path in ("/my/emails/", "/my/emails/sent/", "/my/people/", "/my/people/add/"):
        assert hal.get(f"{path}?record={ben.pk}").status_code == 404
        assert hal.get(path).status_code == 404
    assert hal.post(f"/my/emails/?record={ben.pk}", {"which": "none"}).status_code == 404
    assert hal.get(f"/my/record/looked/?record={ben.pk}").status_code == 404
    assert everything() == before
    assert "/my/emails/" not in hal.get("/home/").content.decode()


def test_no_page_of_the_staff(hal, ben):
    for path in ("/staff/", f"/staff/patients/{ben.pk}/", f"/staff/patients/{ben.pk}/record/"):
        assert hal.get(path).status_code == 404


def test_another_persons_dates_are_not_there(hal, carla):
    html = text(hal.get(f"/home/?record={carla.pk}"))
    assert "Carla" not in html


def test_a_choice_between_all_whom_they_see_their_own_among_them(ben, carla, ana):
    for patient in (ben, carla):
        helping(patient, ana.email)
    client = signed_in(ana.user)
    html = text(client.get("/home/"))
    for name in ("Ana", "Ben", "Carla"):
        assert f"{name} Example" in html
    assert "You are looking at" not in text(client.get(f"/home/?record={ana.pk}"))
    assert "You are looking at <strong>Carla's</strong>" in text(
        client.get(f"/home/?record={carla.pk}")
    )


def test_what_is_taken_back_ends_with_the_next_request(hal, ben):
    assert hal.get("/home/").status_code == 200
    helpers.remove_helper(helper=Helper.objects.get(), actor=ben.user, now=NOW)
    assert hal.get("/home/").status_code == 404


def test_the_trail_says_that_a_helper_looked(hal, ben):
    hal.get("/home/")
    entry = Entry.objects.filter(act=VIEW).latest("pk")
    assert (entry.role, entry.patient_id) == ("helper", ben.pk)


def test_looking_again_at_once_writes_nothing_new(hal, clock):
    hal.get("/home/")
    clock.move_to(NOW + days(0.001))
    hal.get("/home/")
    assert Grant.objects.get().last_seen_at == NOW


class TestStaffAct:
    ADD = {"name": "Hal", "email": "hal@example.org", "can": "dates", "reason": "Asked by phone"}

    @pytest.fixture
    def nurse(self, rosa) -> Client:
        return signed_in(rosa)

    def test_they_add_somebody_with_a_reason(self, nurse, ben, rosa):
        page = nurse.post(f"/staff/patients/{ben.pk}/helpers/add/", self.ADD, follow=True)
        assert "Saved. We will email Hal and ask." in text(page)
        entry = Entry.objects.get(act="invite helper")
        assert (entry.actor, entry.reason) == (rosa, "Asked by phone")

    def test_without_a_reason_nobody_is_asked(self, nurse, ben):
        page = nurse.post(f"/staff/patients/{ben.pk}/helpers/add/", self.ADD | {"reason": ""})
        assert "Write why this person is added" in text(page)
        assert not Helper.objects.exists()

    def test_they_remove_and_put_back(self, nurse, ben):
        helper = helping(ben)
        path = f"/staff/patients/{ben.pk}/helpers/{helper.pk}"
        page = nurse.post(f"{path}/remove/", follow=True)
        assert "Hal sees no dates any more, and gets no copies." in text(page)
        assert "Hal is back on the list." in text(nurse.post(f"{path}/undo/", follow=True))

    @pytest.mark.parametrize("page", ["", "add/", "1/remove/", "1/undo/"])
    def test_another_clinic_finds_none_of_it(self, ben, nils, page):
        helping(ben)
        before = everything()
        path = f"/staff/patients/{ben.pk}/helpers/{page}"
        assert signed_in(nils).post(path, self.ADD).status_code in {404, 405}
        assert everything() == before

    def test_an_auditor_does_not_either(self, ben, harbor):
        client = signed_in(make_staff(harbor, "Aud", Role.AUDITOR))
        assert client.get(f"/staff/patients/{ben.pk}/helpers/").status_code == 403
