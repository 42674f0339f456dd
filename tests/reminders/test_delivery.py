"""One mail each, whatever the mail server does."""

import datetime as dt
import logging

import pytest
from django.db import OperationalError, connection
from django.db.models import F
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from reminders import outbox
from reminders.models import Heartbeat, Reminder, State
from reminders.stopping import clinic_days
from schedules.models import Course
from tests.cast import NOW, TODAY, book, days, give

from .conftest import due_course, local, many_due_courses, only_row, rendered, write_receipt
from .sink import PATIENCE

pytestmark = pytest.mark.django_db


def minutes(count: int) -> dt.timedelta:
    return dt.timedelta(minutes=count)


@pytest.fixture
def course(harbor, rosa) -> Course:
    return due_course(harbor, rosa, due_in=60)


@pytest.fixture
def planned(course) -> Reminder:
    outbox.plan(now=NOW)
    return only_row()


def lease_over() -> None:
    Reminder.objects.update(lease_until=Now() - dt.timedelta(seconds=1))


def waits() -> list[int]:
    """Minutes until each next try, while the mail server refuses."""
    found, now = [], NOW
    while (row := only_row()).state in {State.PLANNED, State.RETRY_WAIT} and len(found) < 20:
        now = max(now, row.next_at)
        outbox.deliver(now=now)
        found.append(round((only_row().next_at - now) / minutes(1)))
    return found


def test_a_planned_reminder_arrives_once(planned, sink):
    assert outbox.deliver(now=NOW) == 1
    assert outbox.deliver(now=NOW) == 0
    assert sink.subjects == ["Time to book your clinic visit"]
    assert sink.envelopes[0].rcpt_tos == ["ana@example.org"]
    planned.refresh_from_db()
    assert (planned.state, planned.accepted_at) == (State.ACCEPTED, NOW)


def test_the_row_keeps_what_was_sent(planned, sink):
    outbox.deliver(now=NOW)
    planned.refresh_from_db()
    text = sink.mails[0].get_body(("plain",)).get_content()
    assert planned.subject == sink.subjects[0]
    assert planned.body_text.split() == text.split()


def test_many_mails_share_one_connection(harbor, rosa, sink):
    many_due_courses(harbor, due_in=60, count=25)
    outbox.plan(now=NOW)
    assert outbox.deliver(now=NOW) == 25
    assert sink.connections == 1
    assert len({mail["Message-ID"] for mail in sink.mails}) == 25


def test_many_mails_cost_as_many_queries_as_one(harbor, rosa, sink):
    asked = []
    for count in (1, 8):
        many_due_courses(harbor, due_in=60, count=count, name=f"{count}-")
        outbox.plan(now=NOW)
        with CaptureQueriesContext(connection) as questions:
            assert outbox.deliver(now=NOW) == count
        asked.append(len(questions))
    assert asked[0] >= asked[1]


def test_the_receipt_is_on_disk(planned, sink, journal):
    outbox.deliver(now=NOW)
    mark = only_row().message_id
    assert journal.read_text().splitlines()[-2:] == [f"> {mark}", mark]


def test_at_night_a_mail_waits_for_the_morning(harbor, planned, sink):
    outbox.deliver(now=local(harbor, TODAY, 17))
    planned.refresh_from_db()
    assert planned.next_at == local(harbor, TODAY + days(1), 9)
    assert outbox.deliver(now=planned.next_at) == 1


def test_a_note_about_an_infusion_waits_until_it_can_no_longer_be_undone(
    harbor, rosa, course, sink
):
    give(course, rosa, TODAY, now=local(harbor, TODAY, 16))
    outbox.plan(now=local(harbor, TODAY, 16))
    assert outbox.deliver(now=local(harbor, TODAY, 16, 14)) == 0
    assert outbox.deliver(now=local(harbor, TODAY, 16, 15)) == 1


def test_a_note_about_an_infusion_of_the_evening_waits_for_the_morning(harbor, rosa, course, sink):
    give(course, rosa, TODAY, now=local(harbor, TODAY, 16, 50))
    outbox.plan(now=local(harbor, TODAY, 16, 50))
    assert outbox.deliver(now=local(harbor, TODAY, 17, 5)) == 0
    assert outbox.deliver(now=local(harbor, TODAY + days(1), 9)) == 1


def test_a_window_that_has_closed_sends_nothing(planned, sink):
    Reminder.objects.update(not_after=NOW)
    assert outbox.deliver(now=NOW) == 0


def test_other_rows_flow_while_one_waits_for_its_hours(harbor, rosa, sink, settings):
    abroad = {"count": settings.REMINDER_GROUP + 1, "time_zone": "Asia/Tokyo"}
    many_due_courses(harbor, due_in=60, **abroad)
    due_course(harbor, rosa, due_in=60)
    outbox.plan(now=NOW)
    assert outbox.deliver(now=NOW) == 1


class TestNothingIsSentThatIsNoLongerTrue:
    """Between planning, claiming and sending the world may change; no planning pass helps here."""

    @pytest.fixture
    def change(self, course, rosa):
        def stop():
            Course.objects.update(stopped_on=TODAY)

        def unsubscribe():
            course.patient.wants_reminders = False
            course.patient.save()

        def lose_address():
            course.patient.email = ""
            course.patient.save()

        return {
            "booked": lambda: book(course, rosa, TODAY + days(70)),
            "stopped": stop,
            "unsubscribed": unsubscribe,
            "no address": lose_address,
        }

    @pytest.mark.parametrize("what", ["booked", "stopped", "unsubscribed", "no address"])
    def test_before_the_claim(self, planned, change, sink, what):
        change[what]()
        assert outbox.claim(now=NOW, owner="worker") == []
        assert outbox.deliver(now=NOW) == 0

    @pytest.mark.parametrize("what", ["booked", "stopped", "unsubscribed", "no address"])
    def test_at_the_fence(self, planned, change, sink, what):
        [row] = outbox.claim(now=NOW, owner="worker")
        change[what]()
        assert outbox.fence([rendered(row)], now=NOW) == set()

    @pytest.mark.parametrize("what", ["booked", "stopped", "unsubscribed", "no address"])
    def test_a_worker_gives_it_back(self, planned, change, sink, monkeypatch, what):
        claim = outbox.claim

        def and_then_the_world_changes(**how):
            rows = claim(**how)
            if rows:
                change[what]()
            return rows

        monkeypatch.setattr(outbox.rows, "claim", and_then_the_world_changes)
        assert outbox.deliver(now=NOW) == 0
        assert sink.commands["DATA"] == 0
        assert only_row().state == State.PLANNED

    @pytest.mark.parametrize("what", ["booked", "stopped", "unsubscribed", "no address"])
    def test_while_it_waits_behind_slow_ones(self, planned, change, what):
        [row] = outbox.claim(now=NOW, owner="worker")
        assert outbox.fence([rendered(row)], now=NOW) == {row.pk}
        assert outbox.rows.fence_again([row], now=NOW) == {row.pk}
        change[what]()
        assert outbox.rows.fence_again([row], now=NOW) == set()


class TestTheFence:
    @pytest.fixture
    def claimed(self, planned) -> Reminder:
        [row] = outbox.claim(now=NOW, owner="worker")
        return row

    def passes(self, row: Reminder) -> bool:
        return outbox.fence([rendered(row)], now=NOW) == {row.pk}

    def test_it_lets_the_holder_pass_once(self, claimed):
        assert self.passes(claimed)
        assert not self.passes(claimed)

    def test_it_stops_who_held_it_too_long(self, claimed):
        lease_over()
        assert not self.passes(claimed)

    def test_it_stops_a_holder_of_an_earlier_attempt(self, claimed):
        Reminder.objects.update(attempt=F("attempt") + 1)
        assert not self.passes(claimed)

    def test_it_stops_another_owner(self, claimed):
        claimed.owner = "somebody else"
        assert not self.passes(claimed)

    def test_it_stops_what_was_cancelled_meanwhile(self, claimed):
        Reminder.objects.update(state=State.CANCELLED)
        assert not self.passes(claimed)

    def test_the_lease_begins_anew_on_the_wire(self, claimed, settings):
        before = only_row().lease_until
        self.passes(claimed)
        assert only_row().lease_until > before


def test_what_is_claimed_nobody_else_can_claim(planned):
    assert len(outbox.claim(now=NOW, owner="one")) == 1
    assert outbox.claim(now=NOW, owner="two") == []


def test_who_saw_it_too_but_came_second_gets_nothing(planned, monkeypatch):
    seen = list(outbox.rows._candidates(NOW, clinic_days(NOW), 10))
    outbox.claim(now=NOW, owner="first")
    monkeypatch.setattr(outbox.rows, "_candidates", lambda *_: iter(seen))
    assert outbox.claim(now=NOW, owner="second") == []
    assert only_row().owner == "first"


def test_of_several_that_two_saw_each_gets_what_the_other_has_not(harbor, monkeypatch):
    many_due_courses(harbor, due_in=60, count=3)
    outbox.plan(now=NOW)
    seen = list(outbox.rows._candidates(NOW, clinic_days(NOW), 10))
    [mine] = outbox.claim(now=NOW, owner="first", most=1)
    monkeypatch.setattr(outbox.rows, "_candidates", lambda *_: iter(seen))
    yours = outbox.claim(now=NOW, owner="second")
    assert {row.pk for row in yours} == {row.pk for row in seen[0]} - {mine.pk}
    assert {(row.state, row.owner, row.attempt) for row in yours} == {(State.CLAIMED, "second", 1)}


def test_what_stopped_being_true_since_it_was_seen_is_not_claimed(planned, monkeypatch):
    seen = list(outbox.rows._candidates(NOW, clinic_days(NOW), 10))
    Course.objects.update(stopped_on=TODAY)
    monkeypatch.setattr(outbox.rows, "_candidates", lambda *_: iter(seen))
    assert outbox.claim(now=NOW, owner="worker") == []


class TestRefusals:
    def test_for_now_waits_longer_each_time_and_then_is_shown(self, planned, sink):
        sink.answer["RCPT"] = "450 try later"
        found = waits()
        # The night comes in between: a wait that ends after five is over at nine.
        assert found[:4] == [1, 5, 15, 60]
        assert only_row().state == State.FAILED
        assert only_row().last_error == "450"
        assert only_row().tries == outbox.delivery.MAX_TRIES

    def test_for_good_is_shown_at_once(self, planned, sink):
        sink.answer["RCPT"] = "550 no such user"
        outbox.deliver(now=NOW)
        assert (only_row().state, only_row().last_error) == (State.FAILED, "550")

    @pytest.mark.parametrize(
        ("reply", "state"), [("451 later", State.RETRY_WAIT), ("554 no", State.FAILED)]
    )
    def test_an_answer_to_the_content_is_an_answer(self, planned, sink, reply, state):
        sink.answer["DATA"] = reply
        outbox.deliver(now=NOW)
        assert (only_row().state, only_row().doubt) == (state, 0)

    def test_one_refused_mail_does_not_hold_up_the_next(self, harbor, rosa, sink):
        for name in ("Ana", "Ben"):
            due_course(harbor, rosa, due_in=60, name=name)
        sink.answer["RCPT"] = lambda envelope: (
            "450 later" if "ana@example.org" in envelope.rcpt_tos else "250 OK"
        )
        outbox.plan(now=NOW)
        assert outbox.deliver(now=NOW) == 1
        assert sink.envelopes[0].rcpt_tos == ["ben@example.org"]

    def test_a_server_that_is_away_gets_everything_when_it_is_back(
        self, harbor, rosa, sink, settings
    ):
        many_due_courses(harbor, due_in=60, count=12)
        outbox.plan(now=NOW)
        port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
        assert outbox.deliver(now=NOW) == 0
        by_state = Reminder.objects.values_list("state", flat=True)
        assert sorted(by_state) == [State.PLANNED] * 11 + [State.RETRY_WAIT]
        settings.EMAIL_PORT = port
        assert outbox.deliver(now=NOW + minutes(1)) == 12

    def test_a_server_that_refuses_us_spends_no_ones_tries(self, harbor, rosa, sink):
        for name in ("Ana", "Ben"):
            due_course(harbor, rosa, due_in=60, name=name)
        sink.answer["MAIL"] = "550 not you"
        outbox.plan(now=NOW)
        outbox.deliver(now=NOW)
        assert set(Reminder.objects.values_list("state", "tries")) == {
            (State.RETRY_WAIT, 1),
            (State.PLANNED, 0),
        }

    def test_what_went_at_last_has_no_error_and_each_try_on_record(self, planned, sink):
        sink.answer["RCPT"] = "450 try later"
        outbox.deliver(now=NOW)
        assert only_row().last_error == "450"
        sink.answer.clear()
        outbox.deliver(now=NOW + minutes(1))
        row = only_row()
        assert (row.state, row.last_error, row.tries) == (State.ACCEPTED, "", 2)


class TestDoubt:
    """The content was handed over and no answer came."""

    @pytest.fixture
    def grace(self, settings) -> dt.timedelta:
        return dt.timedelta(seconds=settings.REMINDER_GRACE_SECONDS)

    @pytest.mark.parametrize("fault", ["hang up", "take and hang up", "stall"])
    def test_it_is_not_sent_again_soon(self, planned, sink, settings, fault):
        if fault == "stall":
            settings.EMAIL_TIMEOUT = PATIENCE
        sink.answer["DATA"] = fault
        outbox.deliver(now=NOW)
        assert (only_row().state, only_row().doubt) == (State.IN_DOUBT, 1)
        sink.answer.clear()
        outbox.deliver(now=NOW + minutes(14))
        assert only_row().state == State.IN_DOUBT

    def test_after_the_grace_one_copy_goes_under_the_same_name(self, planned, sink, grace):
        sink.answer["DATA"] = "take and hang up"
        outbox.deliver(now=NOW)
        sink.answer.clear()
        assert outbox.deliver(now=NOW + grace) == 1
        first, second = sink.mails
        assert first["Message-ID"] == second["Message-ID"]
        assert first["Date"] == second["Date"]

    def test_a_second_doubt_is_left_to_people(self, planned, sink, grace):
        sink.answer["DATA"] = "take and hang up"
        for times in range(4):
            outbox.deliver(now=NOW + times * grace)
        assert (only_row().state, only_row().last_error) == (State.FAILED, "in-doubt")
        assert len(sink.envelopes) == 2

    def test_a_receipt_settles_it(self, planned, sink):
        sink.answer["DATA"] = "take and hang up"
        outbox.deliver(now=NOW)
        write_receipt(only_row().message_id)
        assert outbox.deliver(now=NOW + minutes(1)) == 0
        row = only_row()
        assert (row.state, row.last_error) == (State.ACCEPTED, "")
        assert row.accepted_at == NOW + minutes(1)

    def test_what_is_no_longer_true_gets_no_copy(self, planned, course, rosa, sink, grace):
        sink.answer["DATA"] = "hang up"
        outbox.deliver(now=NOW)
        book(course, rosa, TODAY + days(70))
        outbox.deliver(now=NOW + grace)
        assert only_row().state == State.CANCELLED

    def test_what_is_no_longer_useful_is_left_to_people(self, planned, sink):
        sink.answer["DATA"] = "hang up"
        outbox.deliver(now=NOW)
        outbox.deliver(now=planned.not_after)
        assert only_row().state == State.FAILED


class TestADeadWorker:
    def test_before_the_wire_it_lost_nothing_and_the_mail_goes_at_once(self, planned, sink):
        outbox.claim(now=NOW, owner="dead")
        assert outbox.deliver(now=NOW) == 0
        lease_over()
        assert outbox.deliver(now=NOW) == 1

    def test_its_claims_come_behind_the_others_and_count_as_a_try(self, planned):
        outbox.claim(now=NOW, owner="dead")
        lease_over()
        outbox.sweep(now=NOW + minutes(5))
        row = only_row()
        assert (row.state, row.tries, row.lease_until) == (State.PLANNED, 1, None)
        assert row.next_at == NOW + minutes(5)

    def test_its_doubts_wait_out_the_grace_from_the_wire_on(self, planned, settings):
        [row] = outbox.claim(now=NOW, owner="dead")
        outbox.fence([rendered(row)], now=NOW)
        lease_over()
        ended = only_row().lease_until
        outbox.sweep(now=NOW)
        wait = settings.REMINDER_GRACE_SECONDS - settings.REMINDER_LEASE_SECONDS
        assert only_row().next_at == ended + dt.timedelta(seconds=wait)
        assert only_row().last_error == "worker-lost"

    def test_with_a_grace_shorter_than_a_lease_there_is_nothing_left_to_wait(
        self, planned, settings
    ):
        settings.REMINDER_GRACE_SECONDS = 0
        [row] = outbox.claim(now=NOW, owner="dead")
        outbox.fence([rendered(row)], now=NOW)
        lease_over()
        ended = only_row().lease_until
        outbox.sweep(now=NOW)
        assert only_row().next_at == ended

    def test_on_the_wire_it_leaves_a_doubt(self, planned, sink):
        [row] = outbox.claim(now=NOW, owner="dead")
        outbox.fence([rendered(row)], now=NOW)
        lease_over()
        assert outbox.deliver(now=NOW) == 0
        row = only_row()
        assert (row.state, row.doubt) == (State.IN_DOUBT, 1)

    def test_with_a_receipt_the_mail_counts_as_sent(self, planned, sink):
        [row] = outbox.claim(now=NOW, owner="dead")
        outbox.fence([rendered(row)], now=NOW)
        write_receipt(row.message_id)
        lease_over()
        outbox.deliver(now=NOW)
        assert only_row().state == State.ACCEPTED
        assert sink.envelopes == []

    def test_a_row_that_kills_each_of_its_workers_is_shown(self, planned):
        Reminder.objects.update(tries=outbox.sweeping.MAX_CRASHES)
        outbox.claim(now=NOW, owner="dead")
        lease_over()
        outbox.sweep(now=NOW)
        assert (only_row().state, only_row().last_error) == (State.FAILED, "worker-lost")

    def test_one_crash_fewer_is_tried_again(self, planned):
        Reminder.objects.update(tries=outbox.sweeping.MAX_CRASHES - 1)
        outbox.claim(now=NOW, owner="dead")
        lease_over()
        outbox.sweep(now=NOW)
        assert only_row().state == State.PLANNED

    def test_one_that_was_only_slow_still_says_that_it_was_sent(self, planned):
        [row] = outbox.claim(now=NOW, owner="slow")
        outbox.fence([rendered(row)], now=NOW)
        lease_over()
        outbox.sweep(now=NOW)
        outbox.accept([row], now=NOW)
        assert only_row().state == State.ACCEPTED

    def test_one_that_was_too_slow_cannot_overwrite_its_successor(self, planned):
        [slow] = outbox.claim(now=NOW, owner="slow")
        lease_over()
        outbox.sweep(now=NOW)
        outbox.claim(now=NOW, owner="next")
        assert outbox.settle(slow, state=State.FAILED, now=NOW) is None
        assert outbox.accept([slow], now=NOW) == 0
        assert only_row().state == State.CLAIMED


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_for_a_moment_still_learns_of_the_mail(planned, sink):
    faults = iter([True, False])

    def away_once(execute, sql, params, many, context):
        if State.ACCEPTED in (params or ()) and next(faults, False):
            raise OperationalError
        return execute(sql, params, many, context)

    with connection.execute_wrapper(away_once):
        assert outbox.deliver(now=NOW) == 1
    assert only_row().state == State.ACCEPTED


def test_a_database_that_stays_away_is_waited_for_longer_each_time_and_then_told_of(monkeypatch):
    def away():
        raise OperationalError

    pauses = []
    monkeypatch.setattr(outbox.delivery.time, "sleep", pauses.append)
    monkeypatch.setattr(outbox.delivery, "close_old_connections", lambda: None)
    with pytest.raises(OperationalError):
        outbox.delivery._patiently(away)
    assert pauses == [0, 1, 2, 3, 4]


def test_who_was_too_slow_overwrites_nothing_and_says_so(planned, sink, monkeypatch, caplog):
    def meanwhile(_journal, _mark):
        Reminder.objects.update(state=State.CLAIMED, owner="next")
        return True

    monkeypatch.setattr(outbox.delivery.Journal, "begin", meanwhile)
    sink.answer["DATA"] = "554 no"
    outbox.deliver(now=NOW)
    assert (only_row().state, only_row().owner) == (State.CLAIMED, "next")
    assert f"reminder {planned.pk}: FAILED came too late" in caplog.text


class TestAPoisonedRow:
    @pytest.fixture
    def poisoned(self, harbor, rosa) -> Reminder:
        due_course(harbor, rosa, due_in=60, name="Ana")
        due_course(harbor, rosa, due_in=60, name="Ben")
        outbox.plan(now=NOW)
        row = Reminder.objects.first()
        type(row.course.patient).objects.filter(pk=row.course.patient_id).update(
            email="ana@example.org\r\nBcc: eve@example.org"
        )
        return row

    def test_the_others_flow(self, poisoned, sink):
        assert outbox.deliver(now=NOW) == 1
        assert [one.rcpt_tos for one in sink.envelopes] == [["ben@example.org"]]

    def test_it_is_shown_after_three_tries(self, poisoned, sink):
        for times in range(5):
            outbox.deliver(now=NOW + times * minutes(5))
        poisoned.refresh_from_db()
        assert (poisoned.state, poisoned.last_error) == (State.FAILED, "render")
        assert poisoned.tries == 3

    def test_the_log_names_nobody(self, poisoned, sink, caplog):
        caplog.set_level(logging.DEBUG)
        outbox.deliver(now=NOW)
        assert f"reminder {poisoned.pk} cannot be rendered" in caplog.text
        ours = [record.getMessage() for record in caplog.records if record.name != "mail.log"]
        assert not any("example.org" in line for line in ours)


def test_told_to_stop_it_gives_back_what_it_had_not_begun(harbor, rosa, sink):
    many_due_courses(harbor, due_in=60, count=5)
    outbox.plan(now=NOW)
    assert outbox.deliver(now=NOW, stop=lambda: len(sink.envelopes) == 2) == 2
    assert Reminder.objects.filter(state=State.PLANNED).count() == 3


def test_it_ends_when_its_time_is_over(planned, sink):
    assert outbox.deliver(now=NOW, seconds=0) == 0


def test_delivery_leaves_a_sign_of_life(db, sink):
    outbox.plan(now=NOW)
    outbox.deliver(now=NOW + minutes(1))
    beat = Heartbeat.objects.get()
    assert (beat.planned_at, beat.delivered_at) == (NOW, NOW + minutes(1))
