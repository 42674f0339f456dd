"""Nobody sees another person's record, and nobody can tell that it exists."""

import re

import pytest
from django.urls import reverse

from ocrevus_tracker.accounts.models import Membership
from tests.cast import NOW, TODAY, book, days, give, make_patient, signed_in

MISSING = 999_999


@pytest.fixture
def pages(clock, ben, rosa) -> dict[str, list[int]]:
    """Every staff page about one patient, with what its address names."""
    visit = book(ben.course, rosa, TODAY + days(200)).pk
    give(ben.course, rosa, TODAY, 250, now=NOW, outcome="partial")
    infusion = ben.course.infusions.latest("pk").pk
    return {
        "patient": [ben.pk],
        "change_patient": [ben.pk],
        "see_as_patient": [ben.pk],
        "record": [ben.pk],
        "book": [ben.pk],
        "decide": [ben.pk, infusion],
        "move": [ben.pk, visit],
        "cancel": [ben.pk, visit],
        "undo": [ben.pk, infusion],
    }


def ask(client, name: str, args: list[int]):
    """GET, or POST for the one page that only takes that."""
    address = reverse(f"staff:{name}", args=args)
    return client.post(address) if name == "undo" else client.get(address)


def without_token(page) -> str:
    """The page but for the token of its sign-out button, which is new each time."""
    return re.sub(r'value="\w{64}"', "", page.content.decode())


@pytest.mark.parametrize("who", ["mallory", "nils", "ana"])
def test_a_record_of_others_looks_like_a_missing_one(pages, request, who):
    person = request.getfixturevalue(who)
    client = signed_in(getattr(person, "user", person))
    for name, args in pages.items():
        foreign, missing = ask(client, name, args), ask(client, name, [MISSING, *args[1:]])
        assert (foreign.status_code, missing.status_code) == (404, 404), name
        assert without_token(foreign) == without_token(missing), name


@pytest.mark.parametrize("who", ["mallory", "ben"])
@pytest.mark.parametrize("name", ["worklist", "patients", "add_patient"])
def test_the_staff_pages_do_not_exist_for_others(request, who, name):
    person = request.getfixturevalue(who)
    address = reverse(f"staff:{name}")
    client = signed_in(getattr(person, "user", person))
    assert client.get(address).status_code == 404
    assert client.post(address).status_code in {404, 405}


def test_staff_see_every_page_of_their_clinics_patients(pages, rosa):
    client = signed_in(rosa)
    for name, args in pages.items():
        assert ask(client, name, args).status_code in {200, 302}, name


def test_another_patients_infusion_or_visit_is_not_reached_through_ones_own(pages, ana, rosa):
    client = signed_in(rosa)
    for name in ("decide", "undo", "move", "cancel"):
        assert ask(client, name, [ana.pk, pages[name][1]]).status_code == 404, name


def test_a_visitor_is_led_to_the_door(pages, client):
    for name, args in pages.items():
        answer = ask(client, name, args)
        assert answer.status_code == 302, name
        assert answer.url.startswith(reverse("account_request_login_code")), name


@pytest.mark.parametrize("name", ["staff:worklist", "staff:patients", "patient:home"])
def test_a_visitor_without_a_record_is_led_to_the_door(db, client, name):
    assert client.get(reverse(name)).status_code == 302


@pytest.mark.parametrize("pk", [0, 2**63 - 1, 2**63, 10**30])
def test_an_impossible_number_is_missing(rosa, pk):
    assert signed_in(rosa).get(f"/staff/patients/{pk}/").status_code == 404


def test_a_patient_sees_their_own_record_only(clock, ana, ben):
    page = signed_in(ben.user).get("/home/", {"record": ana.pk})
    assert page.context["patient"] == ben


def test_someone_without_a_record_is_told_whom_to_call(mallory):
    page = signed_in(mallory).get("/home/")
    assert page.status_code == 404
    assert "Call your clinic" in page.content.decode()


def test_staff_have_no_home_page_of_a_patient(rosa, ana):
    assert signed_in(rosa).get("/home/", {"record": ana.pk}).status_code == 404


def test_nurses_of_two_clinics_work_in_both(clock, rosa, hill, nils, ana):
    Membership.objects.create(user=rosa, clinic=hill)
    there = make_patient(hill, nils, "Zoe", now=NOW - days(1))
    for patient in (ana, there):
        page = signed_in(rosa).get(reverse("staff:patient", args=[patient.pk]))
        assert page.context["clinic"] == patient.clinic
