"""What stands around the trail: the worker that seals it, the database's roles, older entries."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from ocrevus_tracker.audit import sealing, trail
from ocrevus_tracker.audit.models import Entry, Seal
from reminders import polling
from tests.cast import NOW

ON_POSTGRESQL = connection.vendor == "postgresql"


@pytest.fixture
def entry(harbor):
    return trail.record(
        at=NOW, actor=None, clinic=harbor, act="recompute", subject=harbor, reason="3 changed"
    )


class TestTheWorker:
    def test_seals_what_is_new_and_writes_the_anchor(self, entry, anchor):
        polling.work(now=NOW, seconds=0)
        assert Seal.objects.get().entries == [[entry.pk, entry.digest]]
        assert len(anchor.read_text().splitlines()) == 1

    def test_sends_mail_though_sealing_fails(self, entry, monkeypatch):
        def broken(**_options) -> None:
            raise DatabaseError

        monkeypatch.setattr(sealing, "seal", broken)
        polling.work(now=NOW, seconds=0)
        assert not Seal.objects.exists()

    def test_writes_later_what_the_anchor_could_not_take(self, entry, anchor, settings, harbor):
        settings.AUDIT_ANCHOR = anchor / "not" / "a" / "folder"
        anchor.write_text("")
        sealing.seal(now=NOW)
        anchor.unlink()
        settings.AUDIT_ANCHOR = anchor
        trail.record(at=NOW, actor=None, clinic=harbor, act="recompute", subject=harbor)
        sealing.seal(now=NOW)
        assert len(anchor.read_text().splitlines()) == 2

    def test_goes_on_after_half_a_line(self, entry, anchor):
        sealing.seal(now=NOW)
        whole = anchor.read_bytes()
        anchor.write_bytes(whole[: len(whole) // 2])
        sealing.seal(now=NOW)
        assert anchor.read_bytes().endswith(b"\n" + whole)


class TestRoles:
    def test_are_printed(self, db):
        out = io.StringIO()
        call_command("audit_protect", "--role", "web", stdout=out)
        assert 'GRANT SELECT, INSERT ON audit_entry, audit_seal, audit_detail TO "web";' in (
            out.getvalue()
        )

    @pytest.mark.skipif(ON_POSTGRESQL, reason="SQLite has no roles")
    def test_are_nothing_that_sqlite_has(self, db):
        with pytest.raises(CommandError, match="no roles"):
            call_command("audit_protect", "--role", "web", "--apply", stdout=io.StringIO())

    @pytest.mark.skipif(not ON_POSTGRESQL, reason="roles are PostgreSQL's")
    def test_let_an_application_add_and_no_more(self, entry, harbor):
        with connection.cursor() as cursor:
            cursor.execute('CREATE ROLE "trail tests"')
            call_command("audit_protect", "--role", "trail tests", "--apply", stdout=io.StringIO())
            cursor.execute('SET ROLE "trail tests"')
            trail.record(at=NOW, actor=None, clinic=harbor, act="recompute", subject=harbor)
            for act in (
                "UPDATE audit_entry SET act = 'x'",
                "DELETE FROM audit_entry",
                "TRUNCATE audit_entry",
                "DROP TRIGGER audit_entry_no_delete ON audit_entry",
                "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
                "DELETE FROM audit_seal",
                "UPDATE audit_detail SET reason = ''",
            ):
                with pytest.raises(DatabaseError), transaction.atomic():
                    cursor.execute(act)
            cursor.execute("RESET ROLE")
        assert Entry.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_entries_from_before_are_signed_and_their_reasons_can_be_erased(harbor, rosa, ben):
    """Back to the tables of an earlier version, an entry as it was written then, and forward."""
    Executor().go_to("0001_initial")
    try:
        old = Executor().state("0001_initial").get_model("audit", "Entry")
        infusion = ben.course.infusions.get()
        old.objects.create(
            at=NOW,
            actor_id=rosa.pk,
            clinic_id=harbor.pk,
            act="correct infusion",
            subject=f"infusion {infusion.pk}",
            reason="Typing mistake [dose_mg 600 → 300]",
        )
    finally:
        Executor().go_to("0004_guards")
    entry = Entry.objects.get(act="correct infusion")
    assert (entry.patient_id, entry.role) == (ben.pk, "nurse")
    assert entry.reason == "Typing mistake [dose_mg 600 → 300]"
    out = io.StringIO()
    call_command("audit_verify", stdout=out)
    trail.erase(at=NOW, actor=rosa, clinic=harbor, patient_id=ben.pk)
    assert Entry.objects.get(pk=entry.pk).reason == ""


class Executor(MigrationExecutor):
    def __init__(self) -> None:
        super().__init__(connection)

    def go_to(self, name: str) -> None:
        self.migrate([("audit", name)])

    def state(self, name: str):
        return self.loader.project_state([("audit", name)]).apps
