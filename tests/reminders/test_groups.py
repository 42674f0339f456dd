"""A worker sends in groups: what it may leave behind, and how several share the work."""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from reminders import outbox
from reminders.journal import Journal
from reminders.models import Reminder, State
from tests.cast import NOW, days

from .conftest import due_course, many_due_courses, only_row, rendered

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(harbor, sink):
    many_due_courses(harbor, due_in=60, count=3)
    outbox.plan(now=NOW)


def states() -> list[str]:
    return sorted(Reminder.objects.values_list("state", flat=True))


def lease_over() -> None:
    Reminder.objects.update(lease_until=Now() - dt.timedelta(seconds=1))


def test_one_refused_in_the_middle_leaves_the_others_sent(three, sink):
    sink.answer["RCPT"] = lambda envelope: (
        "550 nobody" if "p1@example.org" in envelope.rcpt_tos else "250 OK"
    )
    assert outbox.deliver(now=NOW) == 2
    assert states() == [State.ACCEPTED, State.ACCEPTED, State.FAILED]


def test_a_doubt_in_the_middle_is_one_doubt(three, sink):
    """Those behind it were surely not sent: they go over a new line, in no doubt."""
    sink.answer["DATA"] = lambda envelope: (
        "hang up" if "p1@example.org" in envelope.rcpt_tos else "250 OK"
    )
    assert outbox.deliver(now=NOW) == 2
    assert states() == [State.ACCEPTED, State.ACCEPTED, State.IN_DOUBT]
    assert sink.connections == 2


def test_no_mail_of_a_group_asks_the_database_for_more(harbor, sink):
    """A column that the claim forgets would be read row by row."""
    asked = []
    for count in (1, 2, 5):  # the first writes a heartbeat's row
        many_due_courses(harbor, due_in=60, count=count, name=f"{count}-")
        outbox.plan(now=NOW)
        with CaptureQueriesContext(connection) as queries:
            assert outbox.deliver(now=NOW) == count
        asked.append(len(queries))
    assert asked[1] == asked[2]


def test_a_mail_that_comes_late_is_looked_at_once_more(three, sink, monkeypatch):
    monkeypatch.setattr(outbox.delivery, "FENCE_HOLDS", 0)
    asked = []
    again = outbox.rows.fence_again
    monkeypatch.setattr(
        outbox.rows,
        "fence_again",
        lambda rows, now: asked.append(len(rows)) or again(rows, now=now),
    )
    assert outbox.deliver(now=NOW) == 3
    assert asked == [3, 2, 1]


def test_one_that_is_no_longer_true_by_then_is_kept_back(three, sink, monkeypatch):
    monkeypatch.setattr(outbox.delivery, "FENCE_HOLDS", 0)
    monkeypatch.setattr(
        outbox.rows, "fence_again", lambda rows, now: {rows[0].pk} if len(rows) == 3 else set()
    )
    assert outbox.deliver(now=NOW, seconds=5) == 1
    assert states() == [State.ACCEPTED, State.PLANNED, State.PLANNED]


def test_without_a_journal_to_write_nothing_goes_that_was_claimed_under_it(
    three, sink, monkeypatch
):
    """The mails behind it are taken back, and go in the next group."""
    begun = iter([True, False])
    begin = Journal.begin
    monkeypatch.setattr(
        Journal, "begin", lambda self, mark: begin(self, mark) if next(begun, True) else False
    )
    assert outbox.deliver(now=NOW) == 3
    assert states() == [State.ACCEPTED] * 3
    assert len(sink.envelopes) == 3


def test_without_a_journal_they_go_one_by_one(three, sink, settings, monkeypatch):
    """A crash leaves one in doubt, not a group."""
    settings.REMINDER_JOURNAL = Path()
    groups = []
    fence = outbox.rows.fence
    monkeypatch.setattr(
        outbox.rows, "fence", lambda rows, now: groups.append(len(rows)) or fence(rows, now=now)
    )
    assert outbox.deliver(now=NOW) == 3
    assert groups == [1, 1, 1]


def test_one_that_waits_for_another_day_ends_no_pass(three, sink, settings):
    """A group that is not full is no sign that nothing is left."""
    row = Reminder.objects.first()
    Reminder.objects.create(
        patient=row.patient, course=row.course, kind="recorded", due_on=row.due_on,
        next_at=NOW - days(1), not_after=row.not_after, due_version=row.due_version,
    )  # fmt: skip
    settings.REMINDER_GROUP = 3
    assert outbox.deliver(now=NOW) == 3


class TestADeadWorkersGroup:
    """Its lease is over. What the journal holds says which of its mails were sent."""

    @pytest.fixture
    def dead(self, three) -> list[Reminder]:
        with Journal() as journal:
            rows = outbox.claim(now=NOW, owner=f"{journal.mark}:dead")
            outbox.fence([rendered(row) for row in rows], now=NOW)
            sent, in_hand, _waiting = rows
            for row in (sent, in_hand):
                journal.begin(row.message_id)
                if row is sent:
                    journal.accept(row.message_id)
        lease_over()
        return rows

    def test_sent_stays_sent_in_hand_is_in_doubt_and_the_rest_goes_at_once(self, dead, sink):
        assert outbox.deliver(now=NOW) == 1
        assert [Reminder.objects.get(pk=row.pk).state for row in dead] == [
            State.ACCEPTED,
            State.IN_DOUBT,
            State.ACCEPTED,
        ]
        assert len(sink.envelopes) == 1

    def test_what_was_sent_has_no_doubt_on_record(self, dead):
        outbox.sweep(now=NOW)
        assert [Reminder.objects.get(pk=row.pk).doubt for row in dead] == [0, 1, 0]

    def test_another_machines_journal_proves_nothing(self, dead, journal):
        journal.unlink()
        outbox.sweep(now=NOW)
        assert states() == [State.IN_DOUBT] * 3

    def test_what_was_surely_not_sent_takes_up_no_day(self, dead):
        outbox.sweep(now=NOW)
        assert Reminder.objects.get(pk=dead[2].pk).sent_on is None


@pytest.mark.django_db(transaction=True)
def test_several_connections_share_the_work_and_send_each_mail_once(
    harbor, sink, settings, monkeypatch
):
    settings.REMINDER_CONNECTIONS = 3
    for name, value in {"FIRST_GROUP": 5, "SLOW_ANSWERS": 0, "FENCE_HOLDS": 0.001}.items():
        monkeypatch.setattr(outbox.delivery, name, value)  # so that the groups stay small
    many_due_courses(harbor, due_in=60, count=40)
    outbox.plan(now=NOW)
    assert outbox.deliver(now=NOW) == 40
    assert sorted(one.rcpt_tos[0] for one in sink.envelopes) == sorted(
        f"p{number}@example.org" for number in range(40)
    )
    assert sink.connections > 1
    assert states() == [State.ACCEPTED] * 40


def test_a_connection_that_breaks_ends_alone_and_says_so(db, monkeypatch, caplog):
    def breaks(_worker, _over):
        raise RuntimeError

    closed = []
    here = SimpleNamespace(close=lambda: closed.append("its own"))
    monkeypatch.setattr(outbox.delivery, "connection", here)
    monkeypatch.setattr(outbox.delivery.Worker, "run", breaks)
    outbox.delivery.Worker(now=NOW).run_apart(lambda: False)
    assert closed == ["its own"]
    assert "ended early" in caplog.text


def test_a_quick_server_is_asked_over_one_connection(harbor, sink, monkeypatch):
    monkeypatch.setattr(outbox.delivery, "SLOW_ANSWERS", 60)
    many_due_courses(harbor, due_in=60, count=20)
    outbox.plan(now=NOW)
    assert outbox.deliver(now=NOW) == 20
    assert sink.connections == 1


def test_a_row_swept_up_while_it_was_slow_was_sent_after_all(harbor, rosa, sink):
    due_course(harbor, rosa, due_in=60)
    outbox.plan(now=NOW)
    [row] = outbox.claim(now=NOW, owner="slow")
    outbox.fence([rendered(row)], now=NOW)
    Reminder.objects.update(state=State.IN_DOUBT, next_at=NOW + days(1))
    assert outbox.accept([row], now=NOW) == 1
    assert only_row().state == State.ACCEPTED


@pytest.mark.parametrize(("seconds", "size"), [(0, 10), (0.0001, 250), (0.01, 50), (3, 10)])
def test_a_group_is_what_can_be_sent_while_the_fence_holds(db, seconds, size):
    with outbox.delivery.Worker(now=NOW, seconds_a_mail=seconds) as worker:
        assert worker._size() == size
