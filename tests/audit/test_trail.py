import datetime as dt

import pytest
from django.db import DatabaseError, connection, transaction

from ocrevus_tracker.audit import guards, trail
from ocrevus_tracker.audit.models import Detail, Entry, Seal
from ocrevus_tracker.audit.sealing import seal
from schedules import actions
from tests.cast import NOW, give

TABLES = ("audit_entry", "audit_seal", "audit_detail")


@pytest.fixture
def entry(harbor, rosa, ben) -> Entry:
    return trail.record(
        at=NOW,
        actor=rosa,
        clinic=harbor,
        act="correct infusion",
        subject=ben.course.infusions.get(),
        reason="typing mistake",
        changes={"dose_mg": (300, 600), "given_on": (dt.date(2026, 3, 1), dt.date(2026, 3, 2))},
    )


class TestAnEntry:
    def test_says_whose_record_it_is_about_and_what_the_actor_was(self, entry, ben):
        entry = Entry.objects.get(pk=entry.pk)
        assert (entry.patient_id, entry.role) == (ben.pk, "nurse")

    def test_keeps_what_changed_and_why_apart(self, entry):
        entry = Entry.objects.get(pk=entry.pk)
        assert entry.reason == "typing mistake"
        assert entry.changes == [
            ["dose_mg", 300, 600],
            ["given_on", "2026-03-01", "2026-03-02"],
        ]
        assert not entry.is_erased

    def test_of_nobody_is_the_systems(self, harbor):
        entry = trail.record(at=NOW, actor=None, clinic=harbor, act="recompute", subject=harbor)
        assert (entry.role, entry.patient_id) == ("system", None)

    def test_of_somebody_who_does_not_work_there_is_a_patients(self, ben, nils):
        entry = trail.record(
            at=NOW, actor=nils, clinic=ben.clinic, act="send test mail", subject=ben
        )
        assert entry.role == "patient"

    def test_cannot_be_changed_or_removed_through_python(self, entry):
        for row in (entry, entry.detail):
            with pytest.raises(TypeError):
                row.save()
            with pytest.raises(TypeError):
                row.delete()


class TestADoor:
    def test_has_entries_without_a_clinic(self, rosa):
        entry = trail.record_sign_in(at=NOW, user=rosa, event="sign in", reason="passkey")
        entry = Entry.objects.get(pk=entry.pk)
        assert (entry.clinic, entry.actor, entry.role) == (None, rosa, "nurse")
        assert entry.reason == "passkey"

    def test_that_a_stranger_was_refused_at_names_nobody(self, db):
        entry = trail.record_sign_in(at=NOW, user=None, event="fail to sign in")
        assert (entry.actor, entry.subject, entry.role) == (None, "", "system")


class TestTheDatabase:
    """By itself, whoever writes: these go past Python."""

    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("act", ["UPDATE {} SET {}={}", "DELETE FROM {}"])
    def test_refuses_to_change_and_to_remove(self, entry, table, act):
        seal(now=NOW)
        column = {"audit_entry": "act", "audit_seal": "hash", "audit_detail": "salt"}[table]
        with pytest.raises(DatabaseError, match="neither changed nor removed"):
            _run(act.format(table, column, "'x'"))

    def test_has_every_guard_after_migrating(self, db):
        assert guards.missing(connection) == []

    def test_lets_the_guards_be_put_up_again(self, db):
        guards.uninstall(connection)
        away = guards.missing(connection)
        assert guards.install(connection) == away != []
        assert guards.install(connection) == []

    def test_refuses_to_be_emptied_at_once(self, db):
        if connection.vendor != "postgresql":
            pytest.skip("SQLite has no TRUNCATE")
        with pytest.raises(DatabaseError, match="neither changed nor removed"):
            _run("TRUNCATE audit_entry CASCADE")


def _run(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


class TestErasing:
    def test_takes_values_and_words_and_says_so(self, entry, rosa, harbor, ben):
        theirs = Detail.objects.filter(entry__patient_id=ben.pk).count()
        gone = trail.erase(
            at=NOW, actor=rosa, clinic=harbor, patient_id=ben.pk, reason="The patient asked."
        )
        assert gone == theirs >= 1
        entry = Entry.objects.get(pk=entry.pk)
        assert (entry.reason, entry.changes, entry.is_erased) == ("", [], True)
        told = Entry.objects.get(act="erase details", patient_id=ben.pk)
        assert told.reason == "The patient asked."

    def test_leaves_other_peoples_alone(self, entry, rosa, harbor, ana):
        trail.erase(at=NOW, actor=rosa, clinic=harbor, patient_id=ana.pk)
        assert Detail.objects.filter(entry=entry).exists()

    def test_is_refused_by_the_database_where_no_entry_tells_of_it(self, entry):
        with pytest.raises(DatabaseError, match="neither changed nor removed"):
            _run(f"DELETE FROM audit_detail WHERE entry_id = {entry.pk}")  # noqa: S608 - our own


def test_the_latest_entry_about_a_record_is_its_last_change(harbor, rosa, priya, ben):
    infusion = ben.course.infusions.get()
    trail.record_view(
        at=NOW, actor=priya, role="prescriber", clinic=harbor, page="x", patient_id=ben.pk
    )
    assert trail.latest(clinic=harbor, subject=infusion).act == "record infusion"


def test_an_act_that_is_taken_back_leaves_no_entry(harbor, rosa, ben):
    before = Entry.objects.count()
    with pytest.raises(actions.UnableToRecordInfusion):
        give(ben.course, rosa, dt.date(2025, 10, 10))
    assert Entry.objects.count() == before


def test_sealing_changes_no_entry(entry):
    seal(now=NOW)
    assert Seal.objects.get().entries[-1] == [entry.pk, entry.digest]
