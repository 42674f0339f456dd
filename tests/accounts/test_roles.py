"""What a page offers is what the role may do; one clinic at a time, and which one is plain."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from ocrevus_tracker.accounts.models import Membership, Role, User
from schedules import actions
from schedules.models import HoldReason
from tests.cast import NOW, TODAY, book, days, give, make_patient, make_staff, signed_in
from tests.schedules.test_views_record import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def links(page) -> list[str]:
    """The names of the staff's pages that the page leads to."""
    found = re.findall(r'(?:href|action)="(/staff/[^"?]*)', page.content.decode())
    return sorted(set(found))


@pytest.fixture
def everything(ben, rosa) -> str:
    """A record with all that can be changed on it."""
    book(ben.course, rosa, TODAY + days(60))
    give(ben.course, rosa, TODAY - days(1), now=NOW)
    facts = {"reason": HoldReason.INFECTION, "starts_on": TODAY + days(3)}
    actions.start_hold(course=ben.course, actor=rosa, now=NOW, **facts)
    return reverse("staff:patient", args=[ben.pk])


@pytest.mark.parametrize("role", [Role.NURSE, Role.COORDINATOR, Role.PRESCRIBER, Role.ADMIN])
def test_every_link_on_a_record_opens_for_whoever_sees_it(harbor, everything, role):
    client = signed_in(make_staff(harbor, "Sam", role))
    pages = links(client.get(everything))
    assert len(pages) > 8
    refused = [one for one in pages if client.get(one).status_code not in {200, 302, 405}]
    assert refused == []


def test_a_coordinator_books_and_calls_and_records_nothing(harbor, everything, ben):
    client = signed_in(make_staff(harbor, "Cora", Role.COORDINATOR))
    page = client.get(everything)
    offered = [words for _address, words in page.context["steps"]]
    assert offered == ["Book the next visit"]
    html = page.content.decode()
    for name in ("record", "elsewhere", "hold", "stop", "switch", "previous"):
        assert reverse(f"staff:{name}", args=[ben.pk]) not in html
    for words in ("Correct", "Release the hold", "Undo"):
        assert words not in text(page)


def test_a_nurse_is_offered_all_of_it(harbor, everything, rosa, ben):
    html = signed_in(rosa).get(everything).content.decode()
    for name in ("record", "elsewhere", "hold", "stop", "switch", "previous", "change_patient"):
        assert reverse(f"staff:{name}", args=[ben.pk]) in html


def test_the_list_gives_a_coordinator_a_step_that_opens(harbor, ben, rosa):
    book(ben.course, rosa, TODAY)
    client = signed_in(make_staff(harbor, "Cora", Role.COORDINATOR))
    [row] = client.get("/staff/").context["rows"]
    assert (row.step, row.step_label) == ("staff:patient", "Open")
    [row] = signed_in(rosa).get("/staff/").context["rows"]
    assert row.step == "staff:record"


def test_an_auditor_lands_where_there_is_something_for_them(harbor):
    page = signed_in(make_staff(harbor, "Aud", Role.AUDITOR)).get("/", follow=True)
    assert page.status_code == 200
    assert "/staff/patients/" not in page.content.decode()


class TestSeveralClinics:
    @pytest.fixture
    def nora(self, rosa, hill) -> Client:
        Membership.objects.create(user=rosa, clinic=hill, role=Role.COORDINATOR)
        return signed_in(rosa)

    def test_lists_show_one_of_them_and_say_which(self, nora, ben, hill, nils):
        make_patient(hill, nils, "Hana")
        page = text(nora.get("/staff/patients/"))
        assert "<strong>Harbor Clinic</strong>" in page
        assert "Ben Example" in page
        assert "Hana" not in page

    def test_switching_holds_for_the_session(self, nora, ben, hill, nils):
        make_patient(hill, nils, "Hana")
        answer = nora.post("/staff/switch/", {"clinic": hill.slug})
        assert answer.url == "/"
        for _visit in range(2):
            page = text(nora.get("/staff/patients/"))
            assert "<strong>Hill Clinic</strong>" in page
            assert "Hana" in page
            assert "Ben Example" not in page

    def test_switching_takes_a_button(self, nora, hill):
        assert nora.get("/staff/switch/").status_code == 405

    @pytest.mark.parametrize("slug", ["no-such-clinic", "", "\x00"])
    def test_there_is_no_switching_to_where_one_does_not_work(self, rosa, hill, slug):
        for wanted in (slug, hill.slug):
            assert signed_in(rosa).post("/staff/switch/", {"clinic": wanted}).status_code == 404

    def test_a_link_to_a_clinic_keeps_there(self, nora, hill):
        page = nora.get(f"/staff/?clinic={hill.slug}&list=late")
        html = page.content.decode()
        assert page.context["clinic"] == hill
        assert f"/staff/patients/?clinic={hill.slug}" in html
        assert f"?list=today&amp;clinic={hill.slug}" in html

    def test_a_record_is_shown_under_its_own_clinic(self, nora, hill, nils):
        hana = make_patient(hill, nils, "Hana")
        page = nora.get(f"/staff/patients/{hana.pk}/")
        assert "<strong>Hill Clinic</strong>" in text(page)
        assert "treat" not in page.context["may"]

    def test_a_role_that_is_taken_away_ends_the_switch(self, nora, harbor, hill, rosa):
        nora.post("/staff/switch/", {"clinic": hill.slug})
        Membership.objects.filter(user=rosa, clinic=hill).delete()
        page = nora.get("/staff/")
        assert page.context["clinic"] == harbor
        assert "Switch clinic" not in text(page)

    def test_where_the_duty_is_missing_the_page_is_about_where_it_is_not(self, nora, harbor, hill):
        nora.post("/staff/switch/", {"clinic": hill.slug})
        Membership.objects.filter(clinic=harbor).update(role=Role.PRESCRIBER)
        page = nora.get("/staff/clinic/change/")
        assert page.context["clinic"] == harbor

    def test_a_new_patient_is_asked_for_the_clinic_with_this_one_chosen(self, nora, hill):
        nora.post("/staff/switch/", {"clinic": hill.slug})
        page = nora.get("/staff/patients/add/")
        assert page.context["form"].initial["clinic"] == str(hill.pk)


def test_one_clinic_is_named_and_nothing_is_to_be_switched(rosa):
    page = text(signed_in(rosa).get("/staff/"))
    assert "<strong>Harbor Clinic</strong>" in page
    assert "Switch clinic" not in page


class TestVerbsGuardThemselves:
    @pytest.fixture(params=[Role.COORDINATOR, Role.ADMIN, Role.AUDITOR])
    def other(self, harbor, request) -> User:
        return make_staff(harbor, "Sam", request.param)

    def test_infusions(self, ben, rosa, other):
        infusion = ben.course.infusions.get()
        refused = pytest.raises(actions.UnableTo, match="Only a nurse or a prescriber")
        with refused:
            give(ben.course, other, TODAY)
        with refused:
            actions.undo_infusion(infusion=infusion, actor=other, now=NOW)
        with refused:
            actions.void_infusion(
                infusion=infusion, actor=other, now=NOW, revision=0, reason="x", tell_patient=False
            )
        with refused:
            actions.decide_partial(infusion=infusion, actor=other, now=NOW, disposition="repeat")
        with refused:
            actions.record_elsewhere(course=ben.course, actor=other, now=NOW, doses=[])
        assert ben.course.infusions.count() == 1

    def test_holds(self, ben, rosa, other):
        refused = pytest.raises(actions.UnableToHold, match="Only a nurse or a prescriber")
        facts = {"reason": HoldReason.INFECTION, "starts_on": TODAY}
        with refused:
            actions.start_hold(course=ben.course, actor=other, now=NOW, **facts)
        hold = actions.start_hold(course=ben.course, actor=rosa, now=NOW, **facts)
        with refused:
            actions.release_hold(hold=hold, actor=other, now=NOW, ends_on=TODAY)
        with refused:
            actions.void_hold(hold=hold, actor=other, now=NOW, reason="x")
        hold.refresh_from_db()
        assert (hold.released_at, hold.voided_at) == (None, None)

    def test_the_course_and_its_checks(self, ben, other):
        refused = pytest.raises(actions.UnableTo, match="Only a nurse or a prescriber")
        with refused:
            actions.stop_course(
                course=ben.course, actor=other, now=NOW, stopped_on=TODAY, reason="moved"
            )
        with refused:
            actions.record_screening(
                patient=ben, actor=other, now=NOW, check_code="hbv", status="done", done_on=TODAY
            )
        ben.course.refresh_from_db()
        assert ben.course.stopped_on is None
        assert not ben.screenings.exists()

    def test_a_nurse_of_another_clinic_is_no_nurse_here(self, ben, nils):
        with pytest.raises(actions.UnableToRecordInfusion, match="of this clinic"):
            give(ben.course, nils, TODAY)
