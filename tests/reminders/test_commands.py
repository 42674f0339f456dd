"""The commands and tasks: thin, repeatable, and honest in their exit code."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from reminders import outbox, tasks
from reminders.models import Reminder, State
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


def test_the_workers_schedule_knows_the_call(settings):
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert scheduled == {tasks.remind.name}


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
        Reminder.objects.update(state=state, not_after=NOW - days(1), accepted_at=NOW)
        assert audit() == {}

    def test_it_finds_a_sent_mail_without_its_mark(self, course):
        outbox.plan(now=timezone.now())
        Reminder.objects.update(state=State.ACCEPTED, message_id="")
        assert audit() == {"accepted_without_message_id": 1}

    @pytest.mark.parametrize("state", [State.FAILED, State.EXPIRED])
    def test_it_finds_what_nobody_can_see(self, course, rosa, state):
        outbox.plan(now=timezone.now())
        Reminder.objects.update(state=state)
        rosa.memberships.all().delete()
        assert audit() == {"failed_not_listed": 1}

    def test_without_json_it_is_a_list(self, course):
        run("plan_reminders")
        assert "0 due without row" in run("audit_reminders")
