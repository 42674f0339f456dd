"""Each page says in one line whom it is for, and the line guards it."""

import json
import re

import pytest
from django.core.management import call_command
from django.http import HttpResponse
from django.urls import URLPattern, path
from django.urls.resolvers import RegexPattern, URLResolver

from ocrevus_tracker import checks
from ocrevus_tracker.accounts.access import DUTIES, Duty, has_duty, roles_with
from ocrevus_tracker.accounts.models import Membership, Role
from ocrevus_tracker.addresses import addresses
from tests.cast import make_staff, signed_in


def listed(capsys) -> dict[str, dict[str, list[str]]]:
    call_command("list_urls", json=True)
    return {one["name"]: one["methods"] for one in json.loads(capsys.readouterr().out)}


def without_token(answer) -> bytes:
    """The bytes of a page without the form token, which is another one each time."""
    return re.sub(rb'(csrfmiddlewaretoken" value=")\w+', rb"\1", answer.content)


def test_every_address_says_whom_it_is_for():
    assert [one.route for one in addresses() if one.access is None] == []
    assert list(checks.every_address_says_whom_it_is_for()) == []


def test_an_address_that_does_not_say_so_is_named(monkeypatch):
    forgotten: list[URLPattern] = [path("open/<int:pk>/", lambda _request, pk: HttpResponse(pk))]
    resolver = URLResolver(RegexPattern(r"^/"), forgotten)
    monkeypatch.setattr(checks, "addresses", lambda: addresses(resolver))
    found = list(checks.every_address_says_whom_it_is_for())
    assert [one.id for one in found] == ["tracker.E004"]
    assert "/open/<int:pk>/" in found[0].msg


def test_the_list_says_who_may_use_each_method(capsys):
    found = listed(capsys)
    assert found["healthz"] == {"GET": ["anyone"], "HEAD": ["anyone"]}
    assert found["patient:home"]["GET"] == ["signed-in"]
    assert found["reminders:stop"]["POST"] == ["link"]
    assert found["reminders:events"] == {"POST": ["service"]}
    assert found["staff:record"]["POST"] == ["nurse", "prescriber"]
    assert found["staff:book"]["POST"] == ["nurse", "coordinator", "prescriber", "admin"]
    assert found["reminders:policy"]["GET"] == ["nurse", "coordinator", "prescriber", "admin"]
    assert found["reminders:policy"]["POST"] == ["prescriber", "admin"]


def test_the_list_can_be_read_by_people(capsys):
    call_command("list_urls")
    line = "POST  /staff/patients/<int:pk>/record/  nurse, prescriber"
    assert line in capsys.readouterr().out.splitlines()


def test_every_role_has_its_duties():
    assert set(DUTIES) == set(Role)
    assert roles_with(Duty.PRESCRIBE) == [Role.PRESCRIBER]
    assert roles_with(Duty.MANAGE) == [Role.ADMIN]
    assert roles_with(Duty.AUDIT) == [Role.ADMIN, Role.AUDITOR]


def test_a_duty_holds_at_ones_own_clinic_alone(harbor, hill, rosa):
    assert has_duty(rosa, harbor, Duty.TREAT)
    assert not has_duty(rosa, hill, Duty.TREAT)
    assert not has_duty(rosa, harbor, Duty.PRESCRIBE)


@pytest.mark.parametrize(
    ("role", "statuses"),
    [
        (Role.NURSE, [200, 200, 200]),
        (Role.COORDINATOR, [200, 200, 403]),
        (Role.PRESCRIBER, [200, 200, 200]),
        (Role.ADMIN, [200, 200, 403]),
        (Role.AUDITOR, [403, 403, 403]),
    ],
)
def test_what_a_role_may_see_book_and_record(harbor, ben, role, statuses):
    client = signed_in(make_staff(harbor, "Sam", role))
    pages = [f"/staff/patients/{ben.pk}/{page}" for page in ("", "book/", "record/")]
    assert [client.get(page).status_code for page in pages] == statuses


def test_who_treats_at_another_clinic_may_only_book_at_this_one(harbor, hill, ben, nils):
    Membership.objects.create(user=nils, clinic=harbor, role=Role.COORDINATOR)
    client = signed_in(nils)
    assert client.get(f"/staff/patients/{ben.pk}/book/").status_code == 200
    assert client.get(f"/staff/patients/{ben.pk}/record/").status_code == 403
    assert client.post(f"/staff/patients/{ben.pk}/record/").status_code == 403


def test_another_clinics_record_is_no_different_from_none(ben, nils):
    client = signed_in(nils)
    theirs = client.get(f"/staff/patients/{ben.pk}/record/")
    none = client.get("/staff/patients/999999/record/")
    assert theirs.status_code == none.status_code == 404
    assert without_token(theirs) == without_token(none)


def test_a_role_that_is_taken_away_ends_with_the_next_request(harbor, ben, rosa):
    client = signed_in(rosa)
    assert client.get(f"/staff/patients/{ben.pk}/").status_code == 200
    Membership.objects.filter(user=rosa).update(role=Role.COORDINATOR)
    assert client.get(f"/staff/patients/{ben.pk}/record/").status_code == 403
    Membership.objects.filter(user=rosa).delete()
    assert client.get(f"/staff/patients/{ben.pk}/").status_code == 404


def test_a_disabled_person_is_asked_to_sign_in(ben, rosa):
    client = signed_in(rosa)
    rosa.is_active = False
    rosa.save()
    answer = client.get(f"/staff/patients/{ben.pk}/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/")


def test_a_method_that_no_line_names_is_refused(rosa, ben):
    assert signed_in(rosa).delete(f"/staff/patients/{ben.pk}/").status_code == 405
