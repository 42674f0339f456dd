"""Whoever runs the service adds a clinic and its first admin, in one command."""

import pytest
from django.core.management import CommandError, call_command

from ocrevus_tracker.accounts.access import Duty, has_duty
from ocrevus_tracker.accounts.models import Clinic, Membership, Role, User
from ocrevus_tracker.audit.models import Entry

PASSWORD = "a long made-up passphrase"
HILL = {
    "name": "Hill Clinic",
    "slug": "hill-clinic",
    "time_zone": "America/New_York",
    "phone": "(201) 555-0100",
    "hours": "weekdays 8 to 5",
    "address": "1 Hill Street",
    "admin": "Ada@hill.example.org",
    "admin_name": "Ada Admin",
}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _typed(monkeypatch):
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)


def add(**changes):
    call_command("add_clinic", **HILL | changes)


def test_the_admin_can_let_others_in(capsys):
    add()
    ada = User.objects.get(email="ada@hill.example.org")
    assert ada.check_password(PASSWORD)
    assert ada.name == "Ada Admin"
    assert has_duty(ada, Clinic.objects.get(slug="hill-clinic"), Duty.MANAGE)
    assert Entry.objects.get(act="open clinic").role == "system"
    assert "signs in at /sign-in/staff/" in capsys.readouterr().out


def test_somebody_who_has_an_account_keeps_it(rosa):
    before = rosa.password
    add(admin=rosa.email)
    rosa.refresh_from_db()
    assert (rosa.name, rosa.password) == ("Rosa", before)
    assert Membership.objects.get(user=rosa, clinic__slug="hill-clinic").role == Role.ADMIN


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"time_zone": "Mars/Olympus"}, "--time-zone: “Mars/Olympus” is not a time zone"),
        ({"slug": "hill clinic"}, "--slug: Enter a valid"),
        ({"name": ""}, "--name: This field cannot be blank"),
        ({"admin": "ada"}, "Enter a valid email address"),
    ],
)
def test_what_cannot_be_right_is_said_and_nothing_is_saved(changes, words):
    with pytest.raises(CommandError, match=words):
        add(**changes)
    assert not Clinic.objects.exists()
    assert not User.objects.exists()


def test_a_slug_is_used_once():
    add()
    with pytest.raises(CommandError, match="--slug: Clinic with this Slug already exists"):
        add(admin="other@hill.example.org")
    assert Clinic.objects.count() == 1


def test_a_short_password_is_refused(monkeypatch):
    monkeypatch.setenv("ADMIN_PASSWORD", "short")
    with pytest.raises(CommandError, match="too short"):
        add()
    assert not Clinic.objects.exists()


def test_a_script_without_a_password_is_told_where_to_put_it(monkeypatch):
    monkeypatch.delenv("ADMIN_PASSWORD")
    with pytest.raises(CommandError, match="Put one into ADMIN_PASSWORD"):
        add()
