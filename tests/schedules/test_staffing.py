"""Who works at a clinic: its admins decide, one of them always stays, and it holds at once."""

import pytest
from django.urls import reverse

from ocrevus_tracker.accounts.models import Membership, Role, User
from ocrevus_tracker.audit.models import Entry
from schedules import actions
from tests.cast import NOW, make_staff, signed_in
from tests.schedules.test_views_record import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

PEOPLE = "/staff/people/"


@pytest.fixture
def ada(harbor) -> User:
    return make_staff(harbor, "Ada", Role.ADMIN)


@pytest.fixture
def admin(ada):
    return signed_in(ada)


def member(user) -> Membership:
    return Membership.objects.get(user=user)


def at(name: str, user) -> str:
    return reverse(f"staff:{name}", args=[member(user).pk])


def test_admins_see_who_works_there_and_nobody_else_does(admin, harbor, rosa, nils):
    page = text(admin.get("/staff/people/"))
    assert "Rosa" in page
    assert "rosa@harbor-clinic.test" in page
    assert "Nils" not in page
    for role in (Role.NURSE, Role.COORDINATOR, Role.PRESCRIBER, Role.AUDITOR):
        client = signed_in(make_staff(harbor, role, role))
        assert client.get("/staff/people/").status_code == 403
        assert "/staff/people/" not in client.get("/", follow=True).content.decode()


def test_another_role_holds_with_the_next_request(admin, ada, rosa, ben):
    nurse = signed_in(rosa)
    assert nurse.get(f"/staff/patients/{ben.pk}/record/").status_code == 200
    page = admin.post(
        at("change_role", rosa), {"role": "coordinator", "reason": "Moved desk"}, follow=True
    )
    assert "Saved. Rosa is now: Coordinator." in text(page)
    assert nurse.get(f"/staff/patients/{ben.pk}/record/").status_code == 403
    entry = Entry.objects.get(act="change role")
    assert (entry.actor, entry.reason) == (ada, "Moved desk")
    assert entry.changes == [["person", None, "Rosa"], ["role", "nurse", "coordinator"]]
    trail = text(admin.get("/staff/audit/"))
    assert "gave somebody another role: person Rosa; role from Nurse to Coordinator" in trail


def test_who_is_removed_sees_nothing_with_the_next_request(admin, ada, rosa, ben):
    nurse = signed_in(rosa)
    path = at("remove_member", rosa)
    assert "Remove Rosa from Harbor Clinic?" in text(admin.get(path))
    page = admin.post(path, {"reason": "Left"}, follow=True)
    assert "Rosa does not work at Harbor Clinic any more" in text(page)
    assert nurse.get(f"/staff/patients/{ben.pk}/").status_code == 404
    assert nurse.get("/staff/").status_code == 404
    entry = Entry.objects.get(act="remove from clinic")
    assert (entry.actor, entry.reason) == (ada, "Left")
    assert entry.changes == [["person", None, "Rosa"], ["role", "nurse", None]]
    assert ben.course.infusions.get().recorded_by == rosa


def test_looking_removes_nobody(admin, rosa):
    admin.get(at("remove_member", rosa))
    assert member(rosa)


def test_twice_is_once(admin, ada, rosa):
    kept = member(rosa)
    for first in (True, False):
        assert actions.remove_member(membership=kept, actor=ada, now=NOW) == first
    assert not actions.change_role(membership=kept, role=Role.NURSE, actor=ada, now=NOW)
    assert Entry.objects.filter(act="remove from clinic").count() == 1


class TestTheLastAdmin:
    @pytest.mark.parametrize(
        ("name", "answers"), [("change_role", {"role": "nurse"}), ("remove_member", {})]
    )
    def test_stays(self, admin, ada, name, answers):
        page = admin.post(at(name, ada), answers)
        assert "This is the last admin of the clinic." in text(page)
        assert member(ada).role == Role.ADMIN

    def test_may_go_when_there_is_another(self, admin, ada, harbor):
        make_staff(harbor, "Bea", Role.ADMIN)
        assert admin.post(at("remove_member", ada), {}).status_code == 302
        assert not Membership.objects.filter(user=ada).exists()

    def test_somebody_who_cannot_sign_in_is_no_admin(self, admin, ada, harbor):
        bea = make_staff(harbor, "Bea", Role.ADMIN)
        User.objects.filter(pk=bea.pk).update(is_active=False)
        assert "last admin" in text(admin.post(at("remove_member", ada), {}))

    def test_an_admin_elsewhere_is_none_here(self, admin, ada, hill):
        make_staff(hill, "Bea", Role.ADMIN)
        assert "last admin" in text(admin.post(at("remove_member", ada), {}))

    def test_saying_admin_again_is_no_loss(self, admin, ada):
        assert admin.post(at("change_role", ada), {"role": "admin"}).status_code == 302


@pytest.mark.parametrize("name", ["change_role", "remove_member"])
def test_another_clinics_person_is_not_found(admin, nils, hill, name):
    for path in (at(name, nils), f"{at(name, nils)}?clinic={hill.slug}"):
        assert admin.post(path, {"role": "auditor"}).status_code == 404
    assert member(nils).role == Role.NURSE


@pytest.mark.parametrize("role", [Role.NURSE, Role.PRESCRIBER, Role.AUDITOR])
def test_the_verbs_refuse_all_but_admins(harbor, rosa, role):
    actor = make_staff(harbor, "Sam", role)
    with pytest.raises(actions.UnableToChangeStaff, match="Only an admin"):
        actions.remove_member(membership=member(rosa), actor=actor, now=NOW)
    with pytest.raises(actions.UnableToChangeStaff, match="Only an admin"):
        actions.change_role(membership=member(actor), role=Role.ADMIN, actor=actor, now=NOW)


@pytest.mark.parametrize("role", ["owner", "", "nurse\x00"])
def test_a_role_that_is_none_is_refused(admin, rosa, role):
    page = admin.post(at("change_role", rosa), {"role": role})
    assert "There is a problem" in text(page)
    assert member(rosa).role == Role.NURSE


def test_an_admin_switches_codes_by_email_off_and_on(admin, harbor):
    assert "Allow passkeys only" in text(admin.get(f"{PEOPLE}codes/"))
    for allowed, told in (("0", "Patients need a passkey now."), ("1", "sign in with a code")):
        page = admin.post(f"{PEOPLE}codes/", {"allowed": allowed}, follow=True)
        assert told in text(page)
        harbor.refresh_from_db()
        assert harbor.codes_by_email is (allowed == "1")
    assert Entry.objects.filter(act="change sign-in").count() == 2


def test_nobody_else_switches_codes_off(harbor, rosa):
    assert signed_in(rosa).post(f"{PEOPLE}codes/", {"allowed": "0"}).status_code == 403
    with pytest.raises(actions.UnableToChangeStaff):
        actions.allow_codes_by_email(clinic=harbor, allowed=False, actor=rosa, now=NOW)
    harbor.refresh_from_db()
    assert harbor.codes_by_email
