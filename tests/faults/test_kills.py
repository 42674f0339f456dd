"""E1: workers are killed in the middle of it all, and every reminder still arrives.

A mail may arrive twice only when its worker died between handing it over and hearing the answer:
nobody can know then whether it went. Such a copy has the same Message-ID, its row has a doubt on
record, there is at most one, and there was no receipt: what has one is never sent again.
"""

import os
import random
import shlex
import signal
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from kombu import Connection

from .conftest import scaled
from .score import Score
from .stage import Process, Stage, Worker

pytestmark = pytest.mark.django_db(transaction=True)

CELERY = [sys.executable, "-m", "celery", "--app", "tests.faults.quick_beat"]
CELERY_WORKER = [*CELERY, "worker", "--concurrency", "1", "--loglevel", "warning"]
WITHOUT_JOURNAL = {"REMINDER_JOURNAL": ""}
# Without evidence, on an acknowledgement of at most a millisecond.
DUPLICATES_PER_KILL = 0.15
CONNECTIONS = 4  # of one worker to the mail server


def drain_with_kills(stage: Stage, *, count: int, kills: int, dice: random.Random) -> float:
    """Kills come evenly over the drain, each at a random moment of some worker's work; seconds.

    A row on which its worker died twice, with the content on its way, is left to a person.
    """
    began = time.monotonic()
    hands = [stage.worker() for _one in range(2)]
    for number in range(1, kills + 1):
        enough = count * number // (kills + 2)
        stage.wait(lambda enough=enough: stage.accepted() >= enough, "the drain goes on")
        time.sleep(dice.uniform(0, 0.05))
        hands.pop(dice.randrange(len(hands))).kill()
        hands.append(stage.worker())
    stage.wait(lambda: stage.all_settled("FAILED"), "all are settled")
    return time.monotonic() - began


def score_of(stage: Stage) -> Score:
    score = Score(stage.rows(), stage.mails())
    score.sound()
    assert {row.doubt for row in score.undecided} <= {2}
    receipts = stage.receipts()
    assert len(receipts) == len(set(receipts))  # a receipt ends it: no worker sends it again
    return score


SHORT_AND_LONG = pytest.mark.parametrize(
    ("count", "kills"),
    [(300, 6), pytest.param(scaled(10_000), scaled(500), marks=pytest.mark.long)],
    ids=["short", "long"],
)


def ack(scene: Stage) -> str:
    """How long the mail server took from the dot to its answer, on average."""
    counts = scene.sink()
    return f"acknowledged in {counts['microseconds to 250'] / counts['accepted'] / 1000:.2f} ms"


def relay_of(folder: Path) -> str:
    """A command that knows what the mail server took, as a mail relay's log would."""
    return shlex.join([sys.executable, str(Path(__file__).with_name("relay.py")), str(folder)])


@SHORT_AND_LONG
def test_killed_workers_lose_nothing_and_repeat_little(stage, dice, figure, count, kills):
    """With the receipt journal alone. What it cannot know of: the server took the dot, and the
    worker died before it heard the answer.
    """
    scene = stage(count)
    seconds = drain_with_kills(scene, count=count, kills=kills, dice=dice)
    score = score_of(scene)
    figure("E1 with journal", f"{kills} kills in {seconds:.0f} s, {score}, {ack(scene)}")
    if kills < 100:  # too few for a rate: at most one a connection
        assert score.extra <= kills * CONNECTIONS
    else:
        assert score.extra <= kills * DUPLICATES_PER_KILL
    assert scene.audit() == 0


@pytest.mark.long
@pytest.mark.parametrize("journal", [True, False], ids=["with journal", "without journal"])
def test_killed_workers_with_a_relay_that_can_be_asked_repeat_nothing(stage, dice, figure, journal):
    count, kills = scaled(10_000), scaled(500)
    scene = stage(count, **({} if journal else WITHOUT_JOURNAL))
    scene.environment["REMINDER_RELAY_LOOKUP"] = relay_of(scene.folder)
    seconds = drain_with_kills(scene, count=count, kills=kills, dice=dice)
    score = score_of(scene)
    figure(f"E1 with relay, journal: {journal}", f"{kills} kills in {seconds:.0f} s, {score}")
    assert score.extra == 0


@pytest.mark.long
def test_killed_workers_without_any_evidence_repeat_little(stage, dice, figure):
    count, kills = scaled(10_000), scaled(500)
    scene = stage(count, **WITHOUT_JOURNAL)
    drain_with_kills(scene, count=count, kills=kills, dice=dice)
    score = score_of(scene)
    rate = score.extra / kills
    figure("E1 without evidence", f"{kills} kills, {score}, {rate:.3f} a kill, {ack(scene)}")
    assert rate <= DUPLICATES_PER_KILL


def test_a_worker_told_to_stop_finishes_its_mail_and_leaves_no_doubt(stage):
    scene = stage(100)
    for enough in (10, 40):
        worker = scene.worker()
        scene.wait(lambda enough=enough: scene.accepted() >= enough, "the first mails")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
        assert set(scene.states()) <= {"PLANNED", "ACCEPTED"}
    scene.worker()
    scene.wait(scene.all_settled, "all are settled")
    assert Score(scene.rows(), scene.mails()).twice == {}


@pytest.mark.long
def test_fifty_deploys_under_load(stage, dice, figure):
    """F5: a supervisor stops and starts both workers, again and again."""
    count, deploys = scaled(5_000), scaled(50)
    scene = stage(count, manners={"delay": 0.001})
    slowest = 0.0
    for number in range(deploys):
        hands = [scene.worker(), scene.worker()]
        enough = count * (number + 1) // (deploys + 2)
        scene.wait(lambda enough=enough: scene.accepted() >= enough, "the drain goes on")
        time.sleep(dice.uniform(0, 0.05))
        slowest = max(slowest, _stopped(hands))
    scene.worker()
    scene.wait(scene.all_settled, "all are settled")
    score = score_of(scene)
    figure("F5", f"{deploys} deploys, {score}, the slowest stop took {slowest:.2f} s")
    assert score.extra == score.doubts == 0
    assert slowest <= 30


def _stopped(hands: list[Worker]) -> float:
    began = time.monotonic()
    for one in hands:
        one.send_signal(signal.SIGTERM)
    assert [one.wait(30) for one in hands] == [0] * len(hands)
    return time.monotonic() - began


def test_four_workers_send_one_mail_each(stage):
    scene = stage(400)
    for _one in range(4):
        scene.worker()
    scene.wait(scene.all_settled, "all are settled")
    assert set(Score(scene.rows(), scene.mails()).copies.values()) == {1}


@pytest.mark.long
def test_a_worker_that_stands_still_past_its_lease_repeats_nothing(stage, dice, figure):
    """SIGSTOP for longer than the lease and shorter than GRACE, then on as if nothing had been."""
    count, stalls = scaled(2_000), scaled(40)
    scene = stage(count, REMINDER_GRACE_SECONDS="8")
    hands = [scene.worker() for _one in range(3)]
    for number in range(stalls):
        enough = count * number // (stalls + 2)
        scene.wait(lambda enough=enough: scene.accepted() >= enough, "the drain goes on")
        time.sleep(dice.uniform(0, 0.05))
        stand_still(dice.choice(hands), seconds=3)
    scene.wait(scene.all_settled, "all are settled")
    score = score_of(scene)
    figure("SIGSTOP", f"{stalls} stalls past the lease, {score}")
    assert score.extra == 0


def stand_still(worker: Worker, *, seconds: float) -> None:
    worker.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    worker.send_signal(signal.SIGCONT)


def test_one_worker_that_stood_still_past_its_lease_sends_nothing_again(stage):
    scene = stage(60, manners={"delay": 0.01}, REMINDER_GRACE_SECONDS="8")
    slow = scene.worker()
    scene.wait(lambda: scene.accepted() >= 3, "the first mails")
    scene.worker()
    stand_still(slow, seconds=3)
    scene.wait(scene.all_settled, "all are settled")
    assert score_of(scene).extra == 0


def start_beats(scene: Stage, number: int) -> None:
    for one in range(number):
        schedule = str(scene.folder / f"beat-{one}")
        scene.start([*CELERY, "beat", "--schedule", schedule, "--pidfile", ""])


def start_celery(scene: Stage, number: int) -> list[Process]:
    return [scene.start(CELERY_WORKER) for _one in range(number)]


def test_two_beats_two_workers_and_a_broker_that_forgets(stage, figure):
    scene = stage(120)
    start_beats(scene, 2)
    hands = start_celery(scene, 2)
    with closing(Connection(os.environ["REDIS_URL"])) as broker:
        for enough in (20, 40, 60):
            scene.wait(lambda enough=enough: scene.accepted() >= enough, "the drain goes on")
            broker.default_channel.client.flushdb()
    scene.kill(hands.pop())
    start_celery(scene, 1)
    scene.wait(scene.all_settled, "all are settled")
    figure("F6, F8", f"2 beats, 2 workers, 3 FLUSHDB, 1 kill: {score_of(scene)}")


@pytest.mark.long
def test_two_beats_and_five_workers(stage, figure):
    """F6, with workers of Celery and of our own loop side by side."""
    scene = stage(scaled(3_000))
    start_beats(scene, 2)
    start_celery(scene, 3)
    for _one in range(2):
        scene.worker()
    scene.wait(scene.all_settled, "all are settled")
    score = score_of(scene)
    figure("F6", f"2 beats, 3 Celery workers, 2 loops: {score}")
    assert score.extra == score.doubts == 0


@pytest.mark.long
def test_twenty_kills_of_celery_workers_while_two_thousand_drain(stage, dice, figure):
    count, kills = scaled(2_000), scaled(20)
    scene = stage(count)
    start_beats(scene, 1)
    hands = start_celery(scene, 2)
    for number in range(1, kills + 1):
        enough = count * number // (kills + 2)
        scene.wait(lambda enough=enough: scene.accepted() >= enough, "the drain goes on")
        time.sleep(dice.uniform(0, 0.05))
        scene.kill(hands.pop(dice.randrange(len(hands))))
        hands += start_celery(scene, 1)
    scene.wait(scene.all_settled, "all are settled")
    figure("E1 with Celery", f"{kills} kills, {score_of(scene)}")
