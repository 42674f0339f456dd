"""When nothing may be sent, and how to go on."""

import datetime as dt
import os
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from reminders import evidence, guards, outbox
from reminders.identity import message_id_of
from reminders.models import (
    MAX_DOUBT,
    Deployment,
    EventKind,
    Heartbeat,
    Reminder,
    State,
)
from reminders.restoring import after_restore
from tests.cast import NOW, days

from .conftest import due_course, hold, many_due_courses, write_receipt

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(hours=1)
GRACE_OVER = LATER + dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def _nothing_said_yet(monkeypatch):
    monkeypatch.setattr(guards, "_said", None)


@pytest.fixture
def course(harbor, rosa):
    return due_course(harbor, rosa, due_in=60)


def run(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


class TestTheDeployment:
    def test_the_first_start_makes_it_ours(self, db, settings):
        settings.DEPLOYMENT_ID = "harbor"
        assert guards.may_send(now=NOW)
        assert Deployment.objects.get().deployment_id == "harbor"

    def test_one_that_had_no_name_gets_one(self, db, settings):
        assert guards.may_send(now=NOW)
        settings.DEPLOYMENT_ID = "harbor"
        assert guards.may_send(now=NOW)
        assert Deployment.objects.get().deployment_id == "harbor"

    @pytest.mark.parametrize("name", ["staging", ""])
    def test_a_copy_elsewhere_plans_and_sends_nothing(self, course, sink, settings, name):
        settings.DEPLOYMENT_ID = "harbor"
        assert guards.may_send(now=NOW)
        settings.DEPLOYMENT_ID = name
        outbox.plan(now=NOW)
        assert outbox.deliver(now=NOW) == 0
        assert sink.envelopes == []
        assert Reminder.objects.get().state == State.PLANNED

    def test_it_is_said_once_with_the_way_out(self, db, settings, caplog):
        Deployment.objects.create(pk=1, deployment_id="harbor")
        for _one in range(3):
            assert not guards.may_send(now=NOW)
        assert caplog.text.count("adopt_deployment") == 1

    def test_it_can_be_taken_over_on_purpose(self, db, settings):
        Deployment.objects.create(pk=1, deployment_id="harbor")
        settings.DEPLOYMENT_ID = "hill"
        assert "“hill”" in run("adopt_deployment")
        assert guards.may_send(now=NOW)


class TestTheJournal:
    @pytest.fixture(autouse=True)
    def _ours(self, db):
        guards.may_send(now=NOW)

    def test_one_that_the_table_knows_is_fine(self, course, sink):
        outbox.plan(now=NOW)
        assert outbox.deliver(now=NOW) == 1
        write_receipt(Reminder.objects.get().message_id)
        assert guards.may_send(now=NOW)

    def test_one_that_is_ahead_stops_the_sending_until_it_is_looked_at(self, caplog):
        write_receipt("0" * 32)
        assert not guards.may_send(now=NOW)
        row = Deployment.objects.get()
        assert (row.halted_at, row.halted_for) == (NOW, "journal-ahead")
        assert "after_restore" in caplog.text
        write_receipt("1" * 32)
        assert not guards.may_send(now=LATER)
        assert Deployment.objects.get().halted_at == NOW

    def test_whoever_was_erased_is_no_restore(self, journal):
        """The database remembers a delivery after that receipt."""
        journal.write_text("0" * 32 + "\n")
        os.utime(journal, (NOW.timestamp(), NOW.timestamp()))
        Heartbeat.beat(delivered_at=LATER)
        assert guards.may_send(now=LATER)
        Heartbeat.beat(delivered_at=NOW - days(1))
        assert not guards.may_send(now=LATER)

    def test_a_new_database_is_not_an_older_one(self):
        Deployment.objects.all().delete()
        write_receipt("0" * 32)
        assert guards.may_send(now=NOW)
        write_receipt("1" * 32)
        assert not guards.may_send(now=NOW)

    def test_without_a_journal_nothing_is_compared(self, settings, tmp_path):
        settings.REMINDER_JOURNAL = tmp_path / "nowhere"
        assert guards.may_send(now=NOW)
        assert not (tmp_path / "nowhere").exists()


class Backup:
    """The rows as they are now, to be put back later."""

    def __init__(self) -> None:
        self.rows = {model: list(model.objects.all()) for model in (Reminder, Heartbeat)}

    def restore(self) -> None:
        for model, rows in self.rows.items():
            model.objects.all().delete()
            model.objects.bulk_create(rows)


def restored(now=LATER) -> tuple[int, int, int]:
    done = after_restore(backup_time=NOW - days(1), now=now)
    return done.doubtful, done.proven, done.left


class TestARestore:
    def test_nothing_is_sent_twice_and_what_is_not_known_is_listed(self, harbor, sink, journal):
        """Three were sent since the backup; the journal has lost the receipt of one."""
        many_due_courses(harbor, due_in=60, count=3)
        guards.may_send(now=NOW)
        backup = Backup()
        outbox.plan(now=NOW)
        assert outbox.deliver(now=NOW) == 3
        receipts = Reminder.objects.values_list("message_id", flat=True)
        journal.write_text("".join(f"{name}\n" for name in receipts[:2]))
        backup.restore()

        outbox.plan(now=LATER)
        assert outbox.deliver(now=LATER) == 0
        assert Deployment.objects.get().halted_for == "journal-ahead"

        assert restored() == (3, 2, 1)
        for now in (LATER, GRACE_OVER, GRACE_OVER + days(1)):
            outbox.plan(now=now)
            assert outbox.deliver(now=now) == 0
        assert len(sink.envelopes) == 3
        assert Reminder.objects.filter(state=State.ACCEPTED).count() == 2
        assert Reminder.objects.to_check().count() == 1

    def test_what_is_entered_again_is_not_told_again(self, course, sink):
        """Its row was made after the backup, and is made anew by hand after the restore."""
        guards.may_send(now=NOW)
        backup = Backup()
        wanted = type(course).objects.filter(pk=course.pk)
        outbox.plan(now=NOW)
        assert outbox.deliver(now=NOW) == 1
        due_on = course.next_due_on
        backup.restore()
        wanted.update(next_step="", next_due_on=None, next_earliest_on=None, next_dose_mg=None)
        assert restored() == (0, 0, 0)
        wanted.update(next_step="maintenance", next_due_on=due_on, next_dose_mg=600)
        outbox.plan(now=LATER)
        assert outbox.deliver(now=LATER) == 0
        assert len(sink.envelopes) == 1
        assert Reminder.objects.get().state == State.ACCEPTED

    @pytest.fixture
    def planned(self, course):
        outbox.plan(now=NOW)
        return course

    def test_without_evidence_it_is_for_people(self, planned, sink):
        assert restored() == (1, 0, 1)
        outbox.deliver(now=LATER)
        assert Reminder.objects.get().state == State.IN_DOUBT
        outbox.deliver(now=GRACE_OVER)
        assert Reminder.objects.get().state == State.FAILED
        assert Reminder.objects.to_check().count() == 1
        assert sink.envelopes == []

    @pytest.mark.parametrize("state", ["PLANNED", "CLAIMED", "ON_WIRE", "RETRY_WAIT", "IN_DOUBT"])
    def test_whatever_was_open_is_doubted(self, planned, state):
        Reminder.objects.update(state=state)
        assert restored() == (1, 0, 1)
        assert Reminder.objects.get().doubt == MAX_DOUBT + 1

    @pytest.mark.parametrize("state", ["ACCEPTED", "DELIVERED", "BOUNCED", "FAILED"])
    def test_what_had_ended_stays(self, planned, state):
        Reminder.objects.update(state=state, accepted_at=NOW)
        assert restored() == (0, 0, 0)
        assert Reminder.objects.get().state == state

    def test_what_ran_out_since_may_have_been_sent_in_time(self, planned):
        Reminder.objects.update(not_after=LATER - dt.timedelta(minutes=1))
        assert restored() == (1, 0, 1)

    def test_what_ran_out_before_was_not_sent_since(self, planned):
        Reminder.objects.update(not_after=NOW - days(2))
        assert restored() == (0, 0, 0)
        assert Reminder.objects.get().state == State.EXPIRED

    def test_what_comes_later_comes(self, planned):
        Reminder.objects.update(next_at=LATER + days(1))
        assert restored() == (0, 0, 0)
        assert Reminder.objects.get().state == State.PLANNED

    def test_what_was_closed_and_is_wanted_again_is_doubted(self, planned, rosa):
        Reminder.objects.update(state=State.CANCELLED)
        assert restored() == (1, 0, 1)

    def test_one_on_hold_is_closed_first(self, planned, rosa):
        Reminder.objects.update(state=State.CANCELLED)
        hold(planned, rosa)
        assert restored() == (0, 0, 0)

    def test_a_report_of_before_the_restore_is_evidence(self, planned):
        row = Reminder.objects.get()
        mark = message_id_of(row)
        event = evidence.Event(
            provider="x", event_id="1", kind=EventKind.DELIVERED, mark=mark, at=NOW
        )
        evidence.take(event, now=NOW)
        assert restored() == (1, 1, 0)
        assert Reminder.objects.get().state == State.DELIVERED

    def test_the_relay_is_evidence(self, planned, settings):
        settings.REMINDER_RELAY_LOOKUP = ["cat"]
        assert restored() == (1, 1, 0)

    def test_a_second_time_changes_nothing(self, planned):
        assert restored() == (1, 0, 1)
        before = Reminder.objects.values().get()
        assert restored() == (0, 0, 1)
        assert Reminder.objects.values().get() == before

    def test_it_counts_as_todays_mail(self, planned):
        restored()
        assert Reminder.objects.get().sent_on == dt.date(2026, 3, 12)

    def test_unless_another_one_was(self, planned):
        first = Reminder.objects.get()
        other = Reminder.objects.get()
        other.pk, other.kind, other.state = None, "recorded", State.ACCEPTED
        other.accepted_at, other.sent_on = NOW, dt.date(2026, 3, 12)
        other.save()
        assert restored()[0] == 1
        first.refresh_from_db()
        assert (first.state, first.sent_on) == (State.IN_DOUBT, None)


class TestTheCommand:
    @pytest.fixture(autouse=True)
    def _now(self, clock, db):
        """It is NOW."""

    def test_it_says_how_many(self, course):
        outbox.plan(now=NOW)
        out = run("after_restore", "--backup-time", "2026-03-12T10:00:00-04:00")
        assert [line.rpartition(": ")[2] for line in out.splitlines()] == ["1", "0", "1"]

    @pytest.mark.parametrize(
        "moment", ["yesterday", "2026-03-12T10:00:00", "2026-03-13", "2026-03-13T00:00:00Z"]
    )
    def test_it_wants_a_moment_in_the_past(self, moment):
        with pytest.raises(CommandError):
            run("after_restore", "--backup-time", moment)
