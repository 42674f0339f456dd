"""What happens at the doors reaches the trail, with ids and nothing else."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ocrevus_tracker.accounts import events, factors
from ocrevus_tracker.accounts.events import Event, What
from ocrevus_tracker.accounts.models import User
from ocrevus_tracker.audit.models import Entry
from ocrevus_tracker.audit.sign_ins import record_sign_in
from tests.cast import NOW, PASSWORD, signed_in

from .doors import CONFIRM, SECOND, app_code, ask_for_code, come_in, give_app, give_password


@pytest.fixture
def heard(monkeypatch) -> list[events.Event]:
    found: list[events.Event] = []
    monkeypatch.setattr(events, "_recorders", [found.append])
    return found


def names(heard) -> list[tuple[What, int | None, str]]:
    return [(one.what, one.person.pk if one.person else None, one.detail) for one in heard]


def test_in_and_out(client, ana, heard):
    come_in(client, ana.user.email)
    client.post("/sign-out/")
    me = ana.user.pk
    expected = [(What.CODE_SENT, me, "code"), (What.SIGNED_IN, me, ""), (What.SIGNED_OUT, me, "")]
    assert names(heard) == expected


def test_tries_that_failed_for_known_and_unknown_addresses(client, ana, rosa, heard):
    give_app(rosa)
    ask_for_code(client, ana.user.email)
    client.post(CONFIRM, {"code": "000000"})
    give_password(client, rosa, "wrong passphrase")
    client.post("/sign-in/staff/", {"login": "nobody@example.org", "password": PASSWORD})
    give_password(client, rosa)
    client.post(SECOND, {"code": "000000"})
    client.post("/sign-in/passkey/", {"credential": "{}"})
    assert [one for one in names(heard) if one[0] == What.FAILED] == [
        (What.FAILED, ana.user.pk, "code"),
        (What.FAILED, rosa.pk, "password"),
        (What.FAILED, None, "password"),
        (What.FAILED, rosa.pk, "second step"),
        (What.FAILED, None, "webauthn"),
    ]


def test_a_session_that_ran_out(rosa, heard, clock):
    client = signed_in(rosa)
    clock.shift(31 * 60 + 1)
    client.get("/staff/")
    client.get("/staff/")
    assert names(heard) == [(What.TIMED_OUT, rosa.pk, "")]


def test_changes_of_how_somebody_signs_in(rosa, heard):
    give_app(rosa)
    Authenticator.objects.create(user=rosa, type="webauthn", data={"name": "key"})
    client = signed_in(rosa)
    client.post("/my/sign-in/recovery-codes/new/")
    new = "another made-up passphrase"
    facts = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    client.post("/my/sign-in/password/", facts)
    client.post("/my/sign-in/app/remove/")
    factors.remove_all(user=rosa)
    assert [one[0] for one in names(heard)] == [
        What.RECOVERY_CODES_MADE,
        What.PASSWORD_CHANGED,
        What.FACTOR_REMOVED,
        What.FACTOR_REMOVED,
        What.FACTOR_REMOVED,
    ]


def test_the_trail_keeps_them_for_every_clinic_of_the_person(client, ana, rosa):
    give_app(rosa)
    give_password(client, rosa)
    client.post(SECOND, {"code": app_code()})
    entry = Entry.objects.get(act="sign in")
    assert (entry.actor, entry.clinic, entry.subject) == (rosa, None, f"user {rosa.pk}")


def test_the_trail_keeps_who_was_refused_and_strangers_by_the_same_work(client, ana, rosa):
    work = []
    for address in (rosa.email, "nobody@example.org"):
        with CaptureQueriesContext(connection) as asked:
            record_sign_in(Event(What.FAILED, NOW, User.objects.filter(email=address).first()))
        work.append([re.sub(r"=.*|VALUES.*", "", one["sql"]) for one in asked.captured_queries])
    assert work[0] == work[1]
    refused = Entry.objects.filter(act="fail to sign in").order_by("pk")
    assert [one.actor for one in refused] == [rosa, None]


def test_the_log_names_nobody(client, ana, caplog):
    caplog.set_level("INFO")
    come_in(client, ana.user.email)
    client.post("/sign-in/staff/", {"login": "nobody@example.org", "password": PASSWORD})
    assert f"user {ana.user.pk}" in caplog.text
    assert "@" not in caplog.text
    assert PASSWORD not in caplog.text
