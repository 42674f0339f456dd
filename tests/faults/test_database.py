"""The database goes away, is held by others, or refuses: E5, F12, F14."""

import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing

import psycopg
import pytest
from django.db import connection

from .cluster import Cluster, cluster
from .conftest import scaled
from .desk import Desk
from .people import add_visitors, nurse_of, plan_reminders
from .score import Score
from .stage import Stage

pytestmark = pytest.mark.django_db(transaction=True)

GIVEN_TO = (
    "SELECT c.patient_id FROM schedules_course c JOIN schedules_infusion i ON i.course_id = c.id"
)

IS_SQLITE = connection.vendor == "sqlite"
ON_POSTGRESQL = pytest.mark.skipif(IS_SQLITE, reason="about PostgreSQL")
ON_SQLITE = pytest.mark.skipif(not IS_SQLITE, reason="about SQLite")


@pytest.mark.parametrize(
    ("count", "stops"),
    [(150, 3), pytest.param(scaled(5_000), scaled(50), marks=pytest.mark.long)],
    ids=["short", "long"],
)
@ON_POSTGRESQL
def test_immediate_stops_while_mails_go_and_infusions_are_recorded(
    *, crew, tmp_path, dice, figure, count, stops
):
    """E5."""
    with cluster() as database:
        database.migrate()
        with database.as_default():
            clinic = plan_reminders(count)
            visitors = add_visitors(clinic, scaled(3_000))
            nurse = nurse_of(clinic)
        scene = Stage(crew, tmp_path, database_url=database.url)
        try:
            desk = Desk(scene, nurse)
            stop_again_and_again(
                scene, database, desk, visitors, count=count, stops=stops, dice=dice
            )
            score = Score(scene.rows(), scene.mails())
            kept = {pk for (pk,) in scene.ask(GIVEN_TO)}
        finally:
            scene.close()
    lost = desk.saved.keys() - kept
    figure(
        "E5",
        f"{stops} stops, {score}, {len(desk.saved)} infusions saved, {len(lost)} lost, "
        f"answers {dict(Counter(desk.statuses))}",
    )
    score.sound()
    assert score.extra == 0
    assert lost == set()


def stop_again_and_again(
    scene: Stage,
    database: Cluster,
    desk: Desk,
    visitors: list[int],
    *,
    count: int,
    stops: int,
    dice,
) -> None:
    over = threading.Event()
    nurse = threading.Thread(target=desk.record_all, args=(visitors,), kwargs={"stop": over})
    nurse.start()
    try:
        for _one in range(2):
            scene.worker()
        for number in range(1, stops + 1):
            enough = count * number // (stops + 2)
            scene.wait(lambda enough=enough: scene.accepted() >= enough, "the drain goes on")
            time.sleep(dice.uniform(0, 0.1))
            database.stop()
            database.start()
        scene.wait(lambda: scene.accepted() >= count, "all are sent")
        scene.wait(scene.all_settled, "all are settled")
    finally:
        over.set()
        nurse.join()


def all_settled(scene: Stage) -> Score:
    scene.wait(scene.all_settled, "all are settled")
    score = Score(scene.rows(), scene.mails())
    score.sound()
    return score


@ON_POSTGRESQL
def test_connections_cut_and_used_up(stage, figure):
    """F12. pg_terminate_backend for all, again and again."""
    scene = stage(150)
    connection.close()  # ours; the next query opens another one
    hands = [scene.worker() for _one in range(2)]
    for enough in (20, 50, 80):
        scene.wait(lambda enough=enough: scene.accepted() >= enough, "the drain goes on")
        cut_all(scene)
    score = all_settled(scene)
    figure("F12", f"connections cut 3 times: {score}")
    assert score.extra == 0
    assert [one.poll() for one in hands] == [None, None]


def cut_all(scene: Stage) -> None:
    scene.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


@ON_POSTGRESQL
@pytest.mark.long
def test_no_connection_to_be_had(crew, tmp_path, figure):
    """F12: others hold every connection for ten seconds."""
    with cluster() as database:
        database.migrate()
        with database.as_default():
            plan_reminders(40)
        scene = Stage(crew, tmp_path, database_url=database.url)
        try:
            others = hold_all(database.url)
            worker = scene.worker()
            time.sleep(10)
            assert scene.accepted() == 0
            for one in others:
                one.close()
            began = time.monotonic()
            score = all_settled(scene)
            seconds = time.monotonic() - began
            assert worker.poll() is None
        finally:
            scene.close()
    figure("F12", f"no connection for 10 s, over {seconds:.1f} s later: {score}")
    assert seconds <= 30


def hold_all(url: str) -> list[psycopg.Connection]:
    held = []
    while len(held) < 100:
        try:
            held.append(psycopg.connect(url))
        except psycopg.OperationalError:
            break
    return held


@ON_SQLITE
@pytest.mark.parametrize(
    "seconds", [2, pytest.param(15, marks=pytest.mark.long)], ids=["short", "long"]
)
def test_a_long_writer_is_waited_for(stages, figure, seconds):
    """F14: somebody holds BEGIN IMMEDIATE in the middle of a drain, and a nurse records."""
    clinic = plan_reminders(60)
    visitors, nurse = add_visitors(clinic, 1), nurse_of(clinic)
    scene = stages()
    desk = Desk(scene, nurse)
    scene.worker()
    scene.wait(lambda: scene.accepted() >= 10, "the first mails")
    entry = threading.Thread(target=desk.record, args=(visitors[0],))
    with closing(sqlite3.connect(scene.folder / "stage.sqlite3", timeout=20)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        entry.start()
        time.sleep(seconds)
        writer.rollback()
    entry.join()
    score = all_settled(scene)
    figure("F14", f"held for {seconds} s: {score}, the page answered {desk.statuses}")
    assert desk.statuses == [302]
    assert score.extra == score.doubts == 0
