"""A change calls the worker at once, and costs whoever made it nothing."""

import datetime as dt
import socket
import threading
import time

import pytest
from django.db import transaction
from kombu import Connection
from kombu.exceptions import KombuError
from redis import RedisError

from reminders import outbox, polling, wakeup
from reminders.models import Heartbeat
from reminders.wakeup import Bell
from schedules import actions, announcing
from schedules.models import Course
from tests.cast import NOW, book, give

from .conftest import due_course
from .sink import wait_for


@pytest.fixture
def heard(monkeypatch):
    """How often somebody was told of a change."""
    calls = []
    monkeypatch.setattr(announcing, "_listeners", [lambda: calls.append(1)])
    return calls


@pytest.mark.django_db
class TestWhatIsTold:
    @pytest.fixture
    def after(self, ana, heard, django_capture_on_commit_callbacks):
        """Whether an act is told of, once it is committed and not before."""

        def told(act) -> bool:
            heard.clear()
            with django_capture_on_commit_callbacks(execute=True):
                act()
                assert not heard
            return bool(heard)

        return told

    def test_what_moves_a_date_or_a_visit(self, ana, rosa, after):
        assert after(lambda: give(ana.course, rosa, dt.date(2026, 3, 10), 300))
        visits = []
        assert after(lambda: visits.append(book(ana.course, rosa, dt.date(2026, 3, 24))))
        assert after(lambda: actions.cancel_visit(visit=visits[0], actor=rosa, now=NOW))

    def test_a_changed_person(self, ana, rosa, after):
        change = {"patient": ana, "changed": ["phone"], "actor": rosa, "now": NOW}
        assert after(lambda: actions.change_patient(**change))

    def test_a_course_that_is_marked(self, ana, after):
        assert after(lambda: Course.objects.filter(patient=ana).mark_unplanned())

    def test_what_is_only_read_is_not(self, ana, after):
        assert not after(lambda: list(Course.objects.all()))


@pytest.mark.django_db
def test_what_was_rolled_back_is_not_told(ana, heard, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        Course.objects.mark_unplanned()
        transaction.set_rollback(True)
    assert heard == []


def test_a_listener_registers_once(monkeypatch):
    monkeypatch.setattr(announcing, "_listeners", [])
    for _one in range(2):
        announcing.when_changed(print)
    assert announcing._listeners == [print]


def test_the_worker_is_one_of_them():
    assert wakeup.bell.ring in announcing._listeners


class TestTheBell:
    def test_it_calls_the_worker(self, monkeypatch):
        calls = []
        monkeypatch.setattr(wakeup, "call_worker", lambda: calls.append(1))
        bell = Bell()
        bell.ring()
        assert wait_for(lambda: calls == [1])
        bell.ring()
        assert wait_for(lambda: calls == [1, 1])

    def test_a_hundred_wishes_cost_nothing_while_the_broker_hangs(self, monkeypatch):
        done = threading.Event()
        calls = []
        monkeypatch.setattr(wakeup, "call_worker", lambda: calls.append(1) or done.wait(20))
        bell = Bell()
        began = time.perf_counter()
        for _one in range(100):
            bell.ring()
        assert time.perf_counter() - began < 0.5
        done.set()
        time.sleep(0.1)
        assert len(calls) in {1, 2}

    def test_it_rings_again_after_a_failure_and_says_so_once(self, monkeypatch, caplog):
        calls = []

        def call():
            calls.append(1)
            if len(calls) < 3:
                raise RuntimeError

        monkeypatch.setattr(wakeup, "PAUSE_SECONDS", 0)
        monkeypatch.setattr(wakeup, "call_worker", call)
        bell = Bell()
        for number in (1, 2, 3):
            bell.ring()
            assert wait_for(lambda number=number: len(calls) == number)
        assert caplog.text.count("cannot be called") == 1


class TestTheCall:
    def test_it_is_in_the_queue_and_carries_nothing(self, settings):
        with Connection(settings.CELERY_BROKER_URL) as broker:
            queue = broker.SimpleQueue("celery")
            queue.clear()
            wakeup.call_worker()
            message = queue.get(timeout=5)
            message.ack()
        assert message.payload[:2] == [[], {}]
        assert message.headers["expires"]

    @pytest.mark.parametrize("silent", [False, True])
    def test_without_a_broker_it_fails_soon(self, settings, silent):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            if not silent:
                server.close()
            settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{port}/0"
            began = time.perf_counter()
            with pytest.raises((OSError, KombuError, RedisError)):
                wakeup.call_worker()
            assert time.perf_counter() - began < 30


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestLooking:
    @pytest.fixture(autouse=True)
    def _due(self, harbor, rosa, sink):
        due_course(harbor, rosa, due_in=60)

    def test_who_was_not_called_looks(self, sink, settings):
        polling.look(now=NOW)
        assert len(sink.envelopes) == 1

    @pytest.mark.parametrize(("age", "mails"), [(29, 0), (30, 1)])
    def test_not_while_another_works(self, sink, age, mails):
        at = NOW - dt.timedelta(seconds=age)
        Heartbeat.beat(planned_at=at, delivered_at=at)
        polling.look(now=NOW)
        assert len(sink.envelopes) == mails

    def test_a_process_works_once_at_a_time(self, sink):
        with polling._busy:
            polling.work(now=NOW)
        assert sink.envelopes == []
        polling.work(now=NOW)
        assert len(sink.envelopes) == 1

    def test_a_failed_pass_hinders_no_other(self, sink, monkeypatch):
        def broken(**_more):
            raise RuntimeError

        with monkeypatch.context() as patch:
            patch.setattr(outbox, "plan", broken)
            with pytest.raises(RuntimeError):
                polling.work(now=NOW)
        polling.work(now=NOW)
        assert len(sink.envelopes) == 1


def test_the_thread_goes_on_after_a_failure_and_ends_when_told(monkeypatch, settings, caplog):
    settings.REMINDER_POLL_SECONDS = 0.01
    looks = []

    def look(*, now):
        looks.append(now)
        raise RuntimeError

    monkeypatch.setattr(polling, "look", look)
    monkeypatch.setattr(polling, "close_old_connections", lambda: None)
    polling.start()
    assert wait_for(lambda: len(looks) > 2)
    polling.stop()
    assert not polling._thread.is_alive()
    assert "trying again soon" in caplog.text
