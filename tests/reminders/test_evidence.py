"""Reports about mails that left: once each, in any order, before or after our own commit."""

import datetime as dt
import itertools

import pytest

from ocrevus_tracker.audit.models import Entry
from reminders import evidence, outbox
from reminders.evidence import Event, take
from reminders.models import (
    DeadAddress,
    DeliveryEvent,
    EventKind,
    Helper,
    Reminder,
    State,
)
from schedules import actions
from tests.cast import NOW

from .conftest import due_course

pytestmark = pytest.mark.django_db

MARK = "5f0c3b1a5f0c3b1a5f0c3b1a5f0c3b1a"
_numbers = itertools.count(1)


@pytest.fixture
def course(harbor, rosa):
    return due_course(harbor, rosa, due_in=60)


@pytest.fixture
def row(course) -> Reminder:
    return make_row(course)


def make_row(course, **fields) -> Reminder:
    fields = {
        "patient": course.patient,
        "course": course,
        "kind": "book-1",
        "due_on": course.next_due_on,
        "due_version": course.due_version,
        "next_at": NOW,
        "not_after": NOW + dt.timedelta(days=7),
        "state": State.ACCEPTED,
        "message_id": MARK,
        "dated_at": NOW,
        "accepted_at": NOW,
    } | fields
    return Reminder.objects.create(**fields)


def report(kind: str, minutes: int = 1, **fields) -> Event:
    fields = {
        "provider": "postmark",
        "event_id": f"event-{next(_numbers)}",
        "mark": MARK,
        "at": NOW + dt.timedelta(minutes=minutes),
    } | fields
    return Event(kind=EventKind(kind), **fields)


LATER = NOW + dt.timedelta(hours=1)


def taken(*events: Event) -> Reminder:
    for event in events:
        take(event, now=LATER)
    return Reminder.objects.get()


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("sent", State.ACCEPTED),
        ("deferred", State.ACCEPTED),
        ("delivered", State.DELIVERED),
        ("complained", State.DELIVERED),
        ("bounced", State.BOUNCED),
        ("rejected", State.BOUNCED),
    ],
)
def test_each_report_has_its_state(row, kind, state):
    assert taken(report(kind)).state == state


def test_the_moments_are_kept(row):
    row = taken(report("delivered", 1), report("bounced", 2))
    assert row.delivered_at == NOW + dt.timedelta(minutes=1)
    assert row.bounced_at == NOW + dt.timedelta(minutes=2)


def test_the_same_report_twice_is_one(row):
    event = report("delivered")
    assert take(event, now=LATER)
    assert not take(event, now=LATER)
    assert DeliveryEvent.objects.count() == 1


@pytest.mark.parametrize("order", itertools.permutations(range(3)))
def test_the_order_of_arrival_does_not_matter(row, order):
    story = [report("deferred", 1), report("delivered", 2), report("bounced", 3, is_hard=True)]
    assert taken(*(story[number] for number in order)).state == State.BOUNCED


def test_a_hard_bounce_outweighs_a_later_arrival(row):
    assert taken(report("bounced", 1, is_hard=True), report("delivered", 2)).state == State.BOUNCED


def test_after_a_soft_bounce_it_may_still_arrive(row):
    assert taken(report("delivered", 2), report("bounced", 1)).state == State.DELIVERED


def test_what_arrived_may_still_come_back(row):
    assert taken(report("bounced", 2), report("delivered", 1)).state == State.BOUNCED


def test_a_report_from_the_future_counts_as_of_now(row):
    assert taken(report("delivered", 60 * 24 * 365)).delivered_at == LATER


@pytest.mark.parametrize("state", State)
def test_it_proves_that_the_mail_was_accepted(course, state):
    make_row(course, state=state, accepted_at=None, last_error="in-doubt", lease_until=NOW)
    row = taken(report("delivered"))
    assert (row.state, row.accepted_at, row.last_error) == (State.DELIVERED, LATER, "")
    assert row.lease_until is None


def test_the_worker_that_settles_afterwards_undoes_nothing(course):
    row = make_row(course, state=State.ON_WIRE, accepted_at=None)
    taken(report("bounced"))
    for state in (State.ACCEPTED, State.RETRY_WAIT, State.IN_DOUBT, State.FAILED):
        outbox.settle(row, state=state, now=LATER)
        assert Reminder.objects.get().state == State.BOUNCED


def test_nothing_is_sent_again_once_it_is_proven(course, sink):
    make_row(course, state=State.RETRY_WAIT, accepted_at=None, doubt=1)
    taken(report("deferred"))
    outbox.deliver(now=NOW)
    assert sink.envelopes == []


class TestBeforeTheRow:
    def test_it_is_kept_and_found_later(self, course):
        take(report("delivered"), now=LATER)
        assert DeliveryEvent.objects.get().reminder is None
        assert evidence.attach_early_events(now=LATER) == 0
        make_row(course, state=State.ON_WIRE, accepted_at=None)
        assert evidence.attach_early_events(now=LATER) == 1
        assert Reminder.objects.get().state == State.DELIVERED
        assert evidence.attach_early_events(now=LATER) == 0

    def test_what_it_says_of_the_address_is_learnt_then(self, course):
        take(report("bounced", is_hard=True), now=LATER)
        make_row(course)
        evidence.attach_early_events(now=LATER)
        assert DeadAddress.objects.get().email == "ana@example.org"

    def test_a_strange_one_is_dropped_after_a_month(self, db):
        take(report("delivered"), now=LATER)
        evidence.attach_early_events(now=LATER + evidence.KEEP_STRANGE_FOR)
        assert DeliveryEvent.objects.count() == 1
        evidence.attach_early_events(now=LATER + evidence.KEEP_STRANGE_FOR + dt.timedelta(1))
        assert DeliveryEvent.objects.count() == 0


class TestADeadAddress:
    @pytest.fixture(autouse=True)
    def _planned(self, row, course):
        type(course).objects.update(unplanned=False)

    def unplanned(self, course) -> bool:
        course.refresh_from_db()
        return course.unplanned

    def test_a_hard_bounce_finds_one(self, course):
        taken(report("bounced", is_hard=True))
        found = DeadAddress.objects.get()
        assert (found.patient, found.email, found.helper) == (
            course.patient,
            "ana@example.org",
            None,
        )
        assert found.found_at == LATER
        assert self.unplanned(course)

    def test_a_soft_bounce_does_not(self, course):
        taken(report("bounced"))
        assert not DeadAddress.objects.exists()
        assert not self.unplanned(course)

    def test_two_bounces_find_one(self):
        taken(report("bounced", is_hard=True), report("rejected", is_hard=True))
        assert DeadAddress.objects.count() == 1

    def test_another_address_than_the_one_in_use_is_not_it(self):
        taken(report("bounced", is_hard=True, recipient="old@example.org"))
        assert not DeadAddress.objects.exists()

    def test_the_same_in_other_letters_is(self):
        taken(report("bounced", is_hard=True, recipient="ANA@Example.org"))
        assert DeadAddress.objects.exists()

    def test_who_was_changed_since_may_have_another_address(self, course, rosa):
        patient = course.patient
        patient.email = "ana.new@example.org"
        actions.change_patient(patient=patient, changed=["email"], actor=rosa, now=LATER)
        row = taken(report("bounced", is_hard=True))
        assert row.state == State.BOUNCED
        assert not DeadAddress.objects.exists()

    def test_a_helpers_address_is_the_helpers(self, course):
        helper = make_helper(course)
        Reminder.objects.update(helper=helper, recipient=helper.recipient)
        taken(report("bounced", is_hard=True))
        found = DeadAddress.objects.get()
        assert (found.helper, found.email) == (helper, "bo@example.org")


def make_helper(course) -> Helper:
    return Helper.objects.create(
        patient=course.patient, name="Bo", email="bo@example.org", invited_at=NOW, accepted_at=NOW
    )


class TestAComplaint:
    def test_the_patient_gets_no_more_mail(self, course, row):
        taken(report("complained"), report("complained"))
        course.patient.refresh_from_db()
        assert not course.patient.wants_reminders
        assert Entry.objects.filter(act="called mail spam", actor=None).count() == 1

    def test_a_helper_helps_no_more_and_the_patient_keeps_theirs(self, course, row):
        helper = make_helper(course)
        Reminder.objects.update(helper=helper, recipient=helper.recipient)
        taken(report("complained"))
        helper.refresh_from_db()
        course.patient.refresh_from_db()
        assert helper.removed_at == LATER
        assert course.patient.wants_reminders


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        (MARK, MARK),
        (f"<{MARK}@clinic.example.org>", MARK),
        (f" <{MARK}@[::1]>\r\n", MARK),
        ("", None),
        (None, None),
        (7, None),
        ("<a b@example.org>", None),
        ("x" * 65, None),
        ("nul\0", None),
    ],
)
def test_the_mark_is_the_left_part(text, mark):
    assert evidence.mark_in(text) == mark


class TestTheRelay:
    @pytest.fixture(autouse=True)
    def _quick(self, monkeypatch):
        monkeypatch.setattr(evidence, "RELAY_SECONDS", 2)

    def test_it_is_asked(self, settings):
        settings.REMINDER_RELAY_LOOKUP = ["grep", "-e", "one", "-e", "four"]
        assert evidence.relay_says(["one", "two"]) == {"one"}

    def test_it_may_answer_with_the_whole_id(self, settings):
        settings.REMINDER_RELAY_LOOKUP = ["sed", "s/.*/<&@clinic.example.org>/"]
        assert evidence.relay_says(["one"]) == {"one"}

    def test_what_was_not_asked_is_not_believed(self, settings):
        settings.REMINDER_RELAY_LOOKUP = ["echo", "three"]
        assert evidence.relay_says(["one"]) == set()

    @pytest.mark.parametrize("command", [["false"], ["/nowhere/lookup"], ["sleep", "9"]])
    def test_one_that_fails_has_said_nothing(self, settings, caplog, command):
        settings.REMINDER_RELAY_LOOKUP = command
        assert evidence.relay_says(["one"]) == set()
        assert "could not be asked" in caplog.text

    def test_none_is_asked_where_there_is_none(self, settings):
        settings.REMINDER_RELAY_LOOKUP = []
        assert evidence.relay_says(["one"]) == set()

    def test_it_sees_no_secrets(self, settings, monkeypatch):
        monkeypatch.setenv("SECRET_KEY", "hidden")
        settings.REMINDER_RELAY_LOOKUP = ["sh", "-c", "cat >/dev/null; echo ${SECRET_KEY:-one}"]
        assert evidence.relay_says(["one"]) == {"one"}
