import os
import signal
import sqlite3
from contextlib import closing

import pytest

from ocrevus_tracker.management.processes import wait_until
from tests.machine.stack import MAKE, PYTHON, copy_tree, demo, demo_up, left_in


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return copy_tree(tmp_path_factory.mktemp("a place") / "with a space")


@pytest.fixture(scope="module")
def running(place):
    with demo_up(place) as stack:
        yield stack


def test_the_home_page_answers(running):
    assert running.status() < 400


def test_the_last_words_are_who_can_sign_in_and_where(running):
    people, address = running.words.strip().split("\n\n")[-2:]
    assert "@" in people
    assert address.startswith(f"Open http://127.0.0.1:{running.port}/")


def test_web_broker_worker_and_beat_run(running):
    commands = "\n".join(left_in(running.place).values())
    assert all(name in commands for name in ("gunicorn", "valkey-server", "worker", "beat"))


def test_nothing_else_is_said(running):
    assert running.words.splitlines()[0] == "Preparing the database and the demo clinic …"
    assert "Warning" not in running.words


def test_a_taken_port_is_said_with_what_to_do(running):
    with demo(running.place, port=running.port) as second:
        assert second.ends() != 0
    assert f"Port {running.port} is in use." in second.words
    assert f"make run PORT={running.port + 1}" in second.words
    assert "Traceback" not in second.words


def test_a_second_demo_in_the_same_folder_is_refused(running):
    with demo(running.place) as second:
        assert second.ends() != 0
    assert "The demo of this folder is already running." in second.words


def test_a_database_that_does_not_answer_is_a_sentence(running):
    nowhere = {
        "REDIS_URL": "redis://127.0.0.1:1/0",  # not the running demo's own
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    }
    with demo(running.place, **nowhere) as second:
        assert second.ends() != 0
    assert "Check DATABASE_URL, or unset it to use SQLite in var/." in second.words
    assert "Traceback" not in second.words


def _interrupt_group(stack):
    os.killpg(stack.process.pid, signal.SIGINT)


def _interrupt(stack):
    stack.process.send_signal(signal.SIGINT)


def _terminate(stack):
    stack.process.terminate()


@pytest.fixture(scope="module")
def idle_place(tmp_path_factory):
    return copy_tree(tmp_path_factory.mktemp("another") / "place")


@pytest.mark.parametrize(
    ("stop", "command"),
    [(_interrupt_group, MAKE), (_interrupt, MAKE), (_terminate, MAKE), (_terminate, PYTHON)],
)
def test_every_way_to_stop_leaves_no_process(idle_place, stop, command):
    with demo_up(idle_place, command=command) as stack:
        stop(stack)
        stack.ends()
        assert left_in(idle_place) == {}
    assert stack.words.endswith("\nStopped. Your data is kept in var/.\n")


def test_a_closed_terminal_leaves_no_process(idle_place):
    with demo_up(idle_place) as stack:
        os.killpg(stack.process.pid, signal.SIGHUP)
        stack.ends()
        assert left_in(idle_place) == {}


def test_a_killed_supervisor_leaves_no_process(idle_place):
    with demo_up(idle_place, command=PYTHON) as stack:
        stack.process.kill()
        stack.ends()
        assert wait_until(lambda: left_in(idle_place) == {}, seconds=10)


def test_ctrl_c_before_it_is_up_stops_it_too(idle_place):
    with demo(idle_place) as stack:
        assert wait_until(lambda: "Preparing" in stack.words, seconds=30)
        _interrupt_group(stack)
        stack.ends()
        assert left_in(idle_place) == {}
    assert "Traceback" not in stack.words


def test_when_one_process_ends_it_is_named_and_all_stop(idle_place):
    with demo_up(idle_place) as stack:
        beat = next(pid for pid, line in left_in(idle_place).items() if "beat-schedule" in line)
        os.kill(beat, signal.SIGKILL)
        assert stack.ends() != 0
        assert left_in(idle_place) == {}
    assert "The beat process ended by itself" in stack.words


def test_a_start_after_a_crash_keeps_the_data(idle_place):
    with demo_up(idle_place):
        pass  # all are killed at once: a socket and a write-ahead log stay behind
    with closing(sqlite3.connect(idle_place / "var" / "tracker.sqlite3")) as database, database:
        database.execute("insert into django_session values ('kept', '', '2099-01-01')")
    with (
        demo_up(idle_place),
        closing(sqlite3.connect(idle_place / "var" / "tracker.sqlite3")) as database,
    ):
        kept = database.execute("select 1 from django_session where session_key = 'kept'")
        assert kept.fetchone() == (1,)
