"""A colleague is asked by an admin, and comes in with a name, a password and a second step."""

import re
import uuid

import pytest
from django.test import Client
from django.urls import reverse

from ocrevus_tracker.accounts.models import Membership, Role, StaffInvitation, User
from ocrevus_tracker.audit.models import Entry
from schedules import actions
from tests.cast import NOW, PASSWORD, claim, days, make_staff, signed_in
from tests.schedules.test_views_record import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

NEW = "new@example.org"
ANSWERS = {"name": "Nia New", "password": PASSWORD, "again": PASSWORD}


@pytest.fixture
def ada(harbor) -> User:
    return make_staff(harbor, "Ada", Role.ADMIN)


@pytest.fixture
def admin(ada) -> Client:
    return signed_in(ada)


def asked(clinic, actor, email: str = NEW, role: str = Role.NURSE, now=NOW) -> StaffInvitation:
    return actions.invite_staff(clinic=clinic, email=email, role=role, actor=actor, now=now)


def link(invitation) -> str:
    return reverse("staff:join", args=[invitation.token])


def invite(admin, **answers):
    answers = {"email": NEW, "role": "nurse", "entry_key": str(uuid.uuid4())} | answers
    return admin.post("/staff/people/invite/", answers, follow=True)


def state() -> list:
    return [*StaffInvitation.objects.values(), *User.objects.values(), *Membership.objects.values()]


class TestInviting:
    def test_an_admin_asks_and_sees_who_was_asked(self, admin, ada):
        html = text(invite(admin))
        assert f"An invitation goes to {NEW} within a minute." in html
        assert "Invited Thursday, March 12, 2026. The link works until" in html
        [entry] = Entry.objects.filter(act="invite staff")
        assert (entry.actor, entry.changes) == (
            ada,
            [["email", None, NEW], ["role", None, "nurse"]],
        )

    def test_a_double_tap_asks_once(self, admin):
        key = str(uuid.uuid4())
        for _tap in range(2):
            invite(admin, entry_key=key)
        assert StaffInvitation.objects.count() == 1

    def test_asking_again_ends_the_link_before(self, admin, harbor, ada):
        first = asked(harbor, ada)
        invite(admin, email="NEW@example.org")
        assert Client().get(link(first)).status_code == 410
        assert StaffInvitation.objects.unanswered().get() != first

    def test_a_button_sends_it_again(self, admin, harbor, ada):
        first = asked(harbor, ada, role=Role.COORDINATOR)
        page = text(admin.get("/staff/people/"))
        form = page[page.index("/staff/people/invite/") + 30 :]
        fields = dict(re.findall(r'name="(email|role|entry_key)" value="([^"]+)"', form))
        for _tap in range(2):
            admin.post("/staff/people/invite/", fields)
        [again] = StaffInvitation.objects.exclude(pk=first.pk)
        assert (again.email, again.role) == (NEW, Role.COORDINATOR)
        assert Client().get(link(first)).status_code == 410

    def test_who_works_here_is_not_asked(self, admin, rosa):
        assert "This person works here already." in text(invite(admin, email=rosa.email))

    def test_taking_it_back_ends_the_link(self, admin, harbor, ada):
        invitation = asked(harbor, ada)
        path = reverse("staff:withdraw_staff_invitation", args=[invitation.pk])
        for _tap in range(2):
            assert admin.post(path).status_code == 302
        assert Client().post(link(invitation), ANSWERS).status_code == 410
        assert Entry.objects.filter(act="withdraw staff invitation").count() == 1

    @pytest.mark.parametrize("email", ["a@b", "", "a@example.org\r\nBcc: b@example.org", "\x00"])
    def test_a_strange_address_is_refused_in_words(self, admin, email):
        assert "Enter an email address" in text(invite(admin, email=email))
        assert not StaffInvitation.objects.exists()

    @pytest.mark.parametrize("role", [Role.NURSE, Role.PRESCRIBER, Role.AUDITOR])
    def test_nobody_but_an_admin_asks(self, harbor, role):
        sam = make_staff(harbor, "Sam", role)
        assert signed_in(sam).get("/staff/people/invite/").status_code == 403
        with pytest.raises(actions.UnableToChangeStaff, match="Only an admin"):
            asked(harbor, sam)

    def test_an_admin_of_another_clinic_takes_nothing_back(self, harbor, hill, ada):
        invitation = asked(harbor, ada)
        stranger = signed_in(make_staff(hill, "Bea", Role.ADMIN))
        path = reverse("staff:withdraw_staff_invitation", args=[invitation.pk])
        assert stranger.post(path).status_code == 404


class TestANewAccount:
    @pytest.fixture
    def invitation(self, harbor, ada) -> StaffInvitation:
        return asked(harbor, ada)

    @pytest.mark.parametrize("method", ["get", "head", "options", "put", "delete", "patch"])
    def test_looking_changes_nothing(self, client, invitation, method):
        before = state()
        getattr(client, method)(link(invitation), ANSWERS)
        assert state() == before

    def test_is_opened_with_a_name_and_a_password(self, client, invitation, harbor):
        page = client.post(link(invitation), ANSWERS, follow=True)
        assert "Done. Now sign in with your new password." in text(page)
        user = User.objects.get(email=NEW)
        assert (user.name, user.check_password(PASSWORD)) == ("Nia New", True)
        assert Membership.objects.get(user=user).role == Role.NURSE

    def test_lets_nobody_in_without_the_staffs_door(self, client, invitation):
        client.post(link(invitation), ANSWERS)
        assert "_auth_user_id" not in client.session
        assert client.get("/staff/").status_code == 302

    @pytest.mark.parametrize(
        ("answers", "words"),
        [
            ({"name": ""}, "Fill in “Your name”"),
            ({"password": "short", "again": "short"}, "at least 12 characters"),
            ({"password": "password1234", "again": "password1234"}, "too common"),
            ({"again": "something else entirely"}, "This is not the same password."),
            ({"password": "x" * 201}, "Use 200 characters or fewer"),
        ],
    )
    def test_bad_answers_are_explained_and_lose_nothing(self, client, invitation, answers, words):
        page = client.post(link(invitation), ANSWERS | answers)
        assert words in text(page)
        assert not User.objects.filter(email=NEW).exists()
        invitation.refresh_from_db()
        assert invitation.used_at is None

    def test_the_link_works_once_and_a_week(self, client, invitation, harbor, ada, clock):
        client.post(link(invitation), ANSWERS)
        assert client.post(link(invitation), ANSWERS).status_code == 410
        other = asked(harbor, ada, "other@example.org")
        clock.move_to(NOW + days(7))
        assert client.post(link(other), ANSWERS).status_code == 410
        assert not User.objects.filter(email="other@example.org").exists()

    @pytest.mark.parametrize("token", ["x", "a" * 43])
    def test_a_forged_link_is_a_missing_page(self, client, invitation, token):
        assert client.post(f"/staff/join/{token}/", ANSWERS).status_code == 404

    def test_another_site_cannot_send_the_form(self, invitation):
        strict = Client(enforce_csrf_checks=True)
        assert strict.post(link(invitation), ANSWERS).status_code == 403

    def test_a_patients_account_becomes_a_colleagues_and_its_sessions_end(
        self, client, harbor, ada, dora, rosa
    ):
        user = claim(dora, rosa)
        patient = signed_in(user)
        client.post(link(asked(harbor, ada, user.email)), ANSWERS)
        user.refresh_from_db()
        assert user.has_usable_password()
        assert patient.get("/home/").status_code == 302


class TestAnAccountThatIsThere:
    """Somebody who works at Hill is asked to work at Harbor too."""

    @pytest.fixture
    def invitation(self, harbor, ada, nils) -> StaffInvitation:
        return asked(harbor, ada, nils.email, Role.COORDINATOR)

    def test_is_asked_for_its_own_door_and_keeps_its_password(self, client, invitation, nils):
        page = client.post(link(invitation), ANSWERS)
        assert "Sign in with it first" in text(page)
        nils.refresh_from_db()
        assert (nils.name, nils.memberships.count()) == ("Nils", 1)

    def test_joins_once_it_is_signed_in(self, invitation, nils, harbor):
        client = signed_in(nils)
        assert "Join the clinic" in text(client.get(link(invitation)))
        page = client.post(link(invitation), follow=True)
        assert "Done. You work at Harbor Clinic too." in text(page)
        assert Membership.objects.get(user=nils, clinic=harbor).role == Role.COORDINATOR

    def test_is_not_joined_by_somebody_else(self, invitation, rosa, harbor, nils):
        page = signed_in(rosa).post(link(invitation))
        assert "Sign in with it first" in text(page)
        assert not Membership.objects.filter(user=nils, clinic=harbor).exists()
