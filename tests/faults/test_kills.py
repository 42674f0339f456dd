"""Workers are killed in the middle of it all, and every reminder still arrives.

A mail may arrive twice only when its worker died between handing it over and hearing the answer:
nobody can know then whether it went. Such a copy has the same Message-ID, its row has a doubt on
record, there is at most one, and there was no receipt: what has one is never sent again.
"""

import os
import random
import signal
import sys
import time
from contextlib import closing

import pytest
from kombu import Connection

from .stage import LOOP, Stage

pytestmark = pytest.mark.django_db(transaction=True)

CELERY = [sys.executable, "-m", "celery", "--app", "tests.faults.quick_beat"]
WORKER = [*CELERY, "worker", "--concurrency", "1", "--loglevel", "warning"]


@pytest.fixture
def stage(tmp_path):
    """Makes a stage with its mail server; ends every process afterwards."""
    stages = []

    def make(count: int) -> Stage:
        stages.append(Stage(tmp_path, count=count))
        stages[-1].start_sink()
        return stages[-1]

    yield make
    for one in stages:
        one.close()


def drain_with_kills(stage: Stage, command: list[str], *, kills: int, workers: int = 2) -> None:
    """Kills come evenly over the drain, each at a random moment of some worker's work."""
    hands = [stage.start(command) for _one in range(workers)]
    for number in range(1, kills + 1):
        enough = stage.count * number // (kills + 2)
        stage.wait(lambda enough=enough: stage.accepted() >= enough, "the drain goes on")
        time.sleep(random.uniform(0, 0.05))
        victim = hands.pop(random.randrange(len(hands)))
        stage.kill(victim)
        hands.append(stage.start(command))
    stage.wait(stage.all_settled, "all are settled")


def report(stage: Stage, *, kills: int, lines=print) -> None:
    """0 lost; each copy explained; the figures."""
    copies, rows, receipts = stage.copies(), stage.rows(), stage.receipts()
    lost = set(rows) - set(copies)
    twice = {name: number for name, number in copies.items() if number > 1}
    doubts = sum(1 for _state, doubt in rows.values() if doubt)
    lines(
        f"\n{kills} kills, {len(rows)} reminders: {len(lost)} lost, {len(twice)} twice, "
        f"{doubts} in doubt at some time, {receipts.total()} receipts"
    )
    assert lost == set()
    assert set(copies) == set(rows)
    assert len(stage.recipients()) == stage.count
    assert [name for name, number in twice.items() if number > 2 or rows[name][1] != 1] == []
    assert set(receipts.values()) == {1}
    assert len(twice) <= kills


def test_killed_workers_lose_nothing(stage):
    scene = stage(200)
    drain_with_kills(scene, LOOP, kills=5)
    report(scene, kills=5)


def test_a_worker_told_to_stop_finishes_its_mail_and_leaves_no_doubt(stage):
    scene = stage(100)
    for enough in (10, 40):
        worker = scene.start(LOOP)
        scene.wait(lambda enough=enough: scene.accepted() >= enough, "the first mails")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
        scene.running.remove(worker)
        assert {state for state, _doubt in scene.rows().values()} <= {"PLANNED", "ACCEPTED"}
    scene.start(LOOP)
    scene.wait(scene.all_settled, "all are settled")
    assert set(scene.copies().values()) == {1}


def test_four_workers_send_one_mail_each(stage):
    scene = stage(200)
    for _one in range(4):
        scene.start(LOOP)
    scene.wait(scene.all_settled, "all are settled")
    assert set(scene.copies().values()) == {1}


def test_two_beats_two_workers_and_a_broker_that_forgets(stage):
    scene = stage(120)
    for number in (1, 2):
        schedule = str(scene.folder / f"beat-{number}")
        scene.start([*CELERY, "beat", "--schedule", schedule, "--pidfile", ""])
    hands = [scene.start(WORKER) for _one in range(2)]
    with closing(Connection(os.environ["REDIS_URL"])) as broker:
        for enough in (20, 40, 60):
            scene.wait(lambda enough=enough: scene.accepted() >= enough, "the drain goes on")
            broker.default_channel.client.flushdb()
    scene.kill(hands.pop())
    scene.start(WORKER)
    scene.wait(scene.all_settled, "all are settled")
    report(scene, kills=1)


@pytest.mark.long
def test_twenty_kills_while_two_thousand_drain(stage, capsys):
    scene = stage(2000)
    drain_with_kills(scene, LOOP, kills=20)
    with capsys.disabled():
        report(scene, kills=20)


@pytest.mark.long
def test_twenty_kills_of_celery_workers_while_two_thousand_drain(stage, capsys):
    scene = stage(2000)
    scene.start([*CELERY, "beat", "--schedule", str(scene.folder / "beat"), "--pidfile", ""])
    drain_with_kills(scene, WORKER, kills=20)
    with capsys.disabled():
        report(scene, kills=20)
