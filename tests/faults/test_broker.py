"""Redis only wakes: whatever becomes of it, each reminder goes out once, at most a minute late.

A worker starts while its broker is already in trouble, so nothing can have come by the queue.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import redis
from kombu import Connection

from ocrevus_tracker.management.commands.embedded_broker import answers, broker_command
from ocrevus_tracker.management.processes import end_with_parent, wait_until
from reminders import readiness, wakeup
from reminders.models import Reminder
from reminders.tasks import remind
from schedules import actions, announcing
from schedules.models import Course
from tests.cast import NOW, TODAY, book, days
from tests.services import _folder

pytestmark = pytest.mark.django_db(transaction=True)

CELERY = [sys.executable, "-m", "celery", "--app", "tests.faults.quick_beat"]
WORKER = [*CELERY, "worker", "--concurrency", "1", "--loglevel", "warning"]


class Broker:
    """A Valkey of one's own that can be brought into trouble."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "broker.sock"
        self.url = f"redis+socket://{self.socket}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            broker_command(self.socket, self.folder),
            start_new_session=True,
            preexec_fn=partial(end_with_parent, signal.SIGKILL),  # noqa: PLW1509 - see tests.services
        )
        assert wait_until(lambda: answers(self.socket), seconds=20)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def hang(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def hang_for_a_while(self) -> None:
        self.hang()
        time.sleep(1)
        self.process.send_signal(signal.SIGCONT)

    def refuse_writes(self) -> None:
        """As a replica does; of a master that is not there."""
        self._command("REPLICAOF", "127.0.0.1", "1")

    def run_out_of_memory(self) -> None:
        self._command("SET", "ballast", "x" * 2_000_000)
        self._command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        self._command("CONFIG", "SET", "maxmemory", "1mb")

    def forget(self) -> None:
        self._command("FLUSHALL")

    def call(self, **options: object) -> None:
        with Connection(self.url) as connection:
            remind.apply_async(connection=connection, **options)

    def _command(self, *words: str) -> None:
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            client.execute_command(*words)


@pytest.fixture
def broker() -> Iterator[Broker]:
    with _folder() as folder:
        broker = Broker(folder)
        yield broker
        broker.kill()


def absent(_broker: Broker) -> None:
    """From the start, and for good."""


def hangs(broker: Broker) -> None:
    broker.start()
    broker.hang()


def is_a_replica(broker: Broker) -> None:
    broker.start()
    broker.refuse_writes()


def has_no_memory(broker: Broker) -> None:
    broker.start()
    broker.run_out_of_memory()


@pytest.mark.parametrize("trouble", [absent, hangs, is_a_replica, has_no_memory])
def test_a_worker_whose_broker_is_no_use_looks_for_itself(
    stage, broker, trouble: Callable[[Broker], None]
):
    scene = stage(20)
    trouble(broker)
    worker = scene.start(WORKER, REDIS_URL=broker.url)
    scene.wait(scene.all_settled, "all are settled", seconds=60)
    assert set(scene.copies().values()) == {1}
    assert worker.poll() is None


def test_a_broker_that_forgets_and_dies_while_they_drain(stage, broker):
    scene = stage(60)
    broker.start()
    scene.start(WORKER, REDIS_URL=broker.url)
    beat = [*CELERY, "beat", "--schedule", str(scene.folder / "beat"), "--pidfile", ""]
    scene.start(beat, REDIS_URL=broker.url)
    for enough in (10, 20, 30):
        scene.wait(lambda enough=enough: scene.accepted() >= enough, "the drain goes on")
        broker.forget()
        broker.restart()
    scene.wait(scene.all_settled, "all are settled")
    assert set(scene.copies().values()) == {1}


@pytest.mark.long
def test_a_hundred_troubles_while_they_drain(stage, broker, capsys):
    scene = stage(3000)
    broker.start()
    for number in (1, 2):
        schedule = str(scene.folder / f"beat-{number}")
        beat = [*CELERY, "beat", "--schedule", schedule, "--pidfile", ""]
        scene.start(beat, REDIS_URL=broker.url)
        scene.start(WORKER, REDIS_URL=broker.url)
    for number in range(100):
        enough = scene.count * number // 100
        scene.wait(lambda enough=enough: scene.accepted() >= enough, "the drain goes on")
        random.choice([broker.forget, broker.restart, broker.hang_for_a_while])()
    scene.wait(scene.all_settled, "all are settled")
    copies = scene.copies()
    with capsys.disabled():
        print(f"\n100 troubles, {scene.count} reminders: {scene.count - len(copies)} lost, "
              f"{sum(number > 1 for number in copies.values())} twice")  # fmt: skip
    assert len(copies) == scene.count
    assert set(copies.values()) == {1}


def test_a_worker_outlives_a_broker_that_restarts_under_an_unfinished_call(stage, broker):
    """Celery 5.7.0 does not: its worker ends with "Unrecoverable error". 5.6.3 goes on."""
    scene = stage(5)
    broker.start()
    never = {"REMINDER_POLL_SECONDS": "600"}
    worker = scene.start(WORKER, REDIS_URL=broker.url, **never)
    broker.call(countdown=600)
    scene.wait(lambda: unacked(broker) == 1, "the call is in the worker's hands")
    broker.restart()
    time.sleep(1)
    # What is sent now came by the queue: nobody looks for ten minutes.
    deadline = time.monotonic() + 60
    while not scene.all_settled():
        assert worker.poll() is None
        assert time.monotonic() < deadline
        broker.call()
        time.sleep(1)
    assert set(scene.copies().values()) == {1}


def unacked(broker: Broker) -> int:
    with redis.Redis(unix_socket_path=str(broker.socket)) as client:
        return client.hlen("unacked")


def test_a_worker_told_to_stop_finishes_what_it_found_itself(stage, broker):
    scene = stage(200)
    worker = scene.start(WORKER, REDIS_URL=broker.url)
    scene.wait(lambda: scene.accepted() >= 10, "the first mails")
    os.kill(worker.pid, signal.SIGTERM)
    worker.wait(60)
    scene.running.remove(worker)
    assert set(scene.states()) <= {"PLANNED", "ACCEPTED"}
    assert scene.accepted() == scene.states()["ACCEPTED"]


class TestASave:
    """A nurse waits for nothing but her own save."""

    @pytest.fixture(autouse=True)
    def _a_bell_of_its_own(self, monkeypatch):
        monkeypatch.setattr(announcing, "_listeners", [wakeup.Bell().ring])

    @pytest.mark.parametrize("trouble", [absent, hangs, is_a_replica, has_no_memory])
    def test_it_is_right_and_as_quick_as_ever(self, ben, rosa, broker, settings, trouble):
        trouble(broker)
        settings.CELERY_BROKER_URL = broker.url
        began = time.perf_counter()
        for number in range(5):
            visit = book(ben.course, rosa, TODAY + days(20 + number))
            actions.cancel_visit(visit=visit, actor=rosa, now=NOW)
        assert time.perf_counter() - began < 5
        assert ben.course.appointments.count() == 5
        assert Course.objects.get(pk=ben.course.pk).unplanned
        assert not Reminder.objects.exists()


@pytest.mark.parametrize("trouble", [absent, hangs])
def test_readyz_says_so_soon(client, broker, settings, trouble):
    trouble(broker)
    settings.CELERY_BROKER_URL = broker.url
    began = time.perf_counter()
    assert "broker: " in client.get("/readyz").content.decode()
    assert time.perf_counter() - began < 5
    assert not readiness.broker_answers()
