"""The commands and tasks: thin, repeatable, and honest in their exit code."""

import datetime as dt
import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from ocrevus_tracker.celery import app
from reminders import auditing, outbox, tasks
from reminders.models import DeliveryEvent, Reminder, State
from schedules.models import Course
from tests.cast import NOW, days

from .conftest import due_course

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def course(harbor, rosa) -> Course:
    return due_course(harbor, rosa, due_in=60)


def run(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue().strip()


def audit() -> dict[str, int]:
    """The counts, after seeing that the exit code says whether any is not 0."""
    out = StringIO()
    code = 0
    try:
        call_command("audit_reminders", "--json", stdout=out)
    except SystemExit as exit_:
        code = exit_.code
    counts = json.loads(out.getvalue())
    assert code == any(counts.values())
    return {name: count for name, count in counts.items() if count}


def test_planning_says_how_many(course):
    assert run("plan_reminders") == "Planned: 1"
    assert run("plan_reminders") == "Planned: 0"


def test_delivering_says_how_many(course, sink):
    run("plan_reminders")
    assert run("deliver_reminders") == "Sent: 1"
    assert run("deliver_reminders", "--once") == "Sent: 0"


def test_one_call_of_the_worker_plans_and_sends(course, sink):
    tasks.remind()
    assert len(sink.envelopes) == 1


def test_a_doubled_call_sends_nothing_twice(course, sink):
    tasks.remind()
    tasks.remind()
    assert len(sink.envelopes) == 1


def test_the_worker_knows_what_beat_calls_for(settings):
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert scheduled <= set(app.tasks)
    assert tasks.remind.name in scheduled


class TestTheAudit:
    def test_all_is_well(self, course, sink):
        run("plan_reminders")
        run("deliver_reminders")
        assert audit() == {}

    def test_it_misses_a_row(self, course):
        assert audit() == {"due_without_row": 1}

    @pytest.mark.parametrize("state", ["PLANNED", "RETRY_WAIT", "CLAIMED", "ON_WIRE", "IN_DOUBT"])
    def test_it_finds_what_should_have_ended(self, course, state):
        outbox.plan(now=timezone.now())
        Reminder.objects.update(state=state, not_after=NOW - days(1))
        assert audit() == {"open_past_window": 1}

    @pytest.mark.parametrize("state", ["ACCEPTED", "DELIVERED", "EXPIRED", "CANCELLED", "FAILED"])
    def test_what_has_ended_is_fine(self, course, state):
        outbox.plan(now=timezone.now())
        Reminder.objects.update(
            state=state, not_after=NOW - days(1), accepted_at=NOW, message_id="a-mark"
        )
        assert audit() == {}

    @pytest.mark.parametrize("mark", ["", None])
    def test_it_finds_a_sent_mail_without_its_mark(self, course, mark):
        outbox.plan(now=timezone.now())
        Reminder.objects.update(state=State.ACCEPTED, message_id=mark)
        assert audit() == {"accepted_without_message_id": 1}

    @pytest.mark.parametrize("state", [State.FAILED, State.EXPIRED])
    def test_it_finds_what_nobody_can_see(self, course, rosa, state):
        outbox.plan(now=timezone.now())
        Reminder.objects.update(state=state)
        rosa.memberships.all().delete()
        assert audit() == {"failed_not_listed": 1}

    def test_what_somebody_has_looked_at_need_not_be_listed(self, course, rosa):
        outbox.plan(now=timezone.now())
        Reminder.objects.update(state=State.FAILED, checked_at=NOW, checked_by=rosa)
        rosa.memberships.all().delete()
        assert audit() == {}

    def test_it_finds_a_doubt_that_nobody_decides(self, course, settings):
        outbox.plan(now=timezone.now())
        patience = settings.REMINDER_LEASE_SECONDS + settings.REMINDER_GRACE_SECONDS
        since = NOW - dt.timedelta(seconds=patience)
        Reminder.objects.update(state=State.IN_DOUBT, next_at=since)
        assert audit() == {}
        Reminder.objects.update(next_at=since - dt.timedelta(seconds=1))
        assert audit() == {"doubt_without_end": 1}

    def test_it_finds_one_that_is_risked_twice(self, course):
        outbox.plan(now=timezone.now())
        Reminder.objects.update(state=State.RETRY_WAIT, doubt=2)
        assert audit() == {"risked_twice": 1}

    def test_it_finds_a_report_that_was_not_followed(self, course):
        outbox.plan(now=timezone.now())
        DeliveryEvent.objects.create(
            provider="x", event_id="1", kind="delivered", message_id="x", happened_at=NOW,
            received_at=NOW, reminder=Reminder.objects.get(),
        )  # fmt: skip
        assert audit() == {"reports_not_followed": 1}

    def test_it_finds_that_nobody_works(self, course, sink, clock):
        tasks.remind()
        clock.move_to(NOW + dt.timedelta(seconds=301))
        assert audit() == {}
        Reminder.objects.update(state=State.PLANNED, next_at=NOW)
        assert audit() == {"waiting_for_a_worker": 1}

    def test_the_names_that_others_read_come_first(self, db):
        assert list(auditing.audit(now=NOW))[:4] == [
            "due_without_row",
            "open_past_window",
            "accepted_without_message_id",
            "failed_not_listed",
        ]

    def test_without_json_it_is_a_list(self, course):
        run("plan_reminders")
        assert "0 due without row" in run("audit_reminders")
