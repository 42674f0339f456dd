import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
import redis

from ocrevus_tracker.management.commands.embedded_broker import answers
from ocrevus_tracker.management.processes import end_with_parent, wait_until
from tests.machine.stack import ROOT, bare_environment

RUN_IT = "import subprocess, sys; subprocess.run(sys.argv[1:])"


def _command(folder):
    places = [f"--socket={folder / 'b.sock'}", f"--directory={folder / 'a queue'}"]
    return [sys.executable, str(ROOT / "manage.py"), "embedded_broker", *places]


@contextmanager
def _broker(folder):
    process = subprocess.Popen(
        _command(folder),
        env=bare_environment(),
        preexec_fn=end_with_parent,  # noqa: PLW1509
    )
    try:
        assert wait_until(lambda: answers(folder / "b.sock"), seconds=20)
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def _client(folder):
    with redis.Redis(unix_socket_path=str(folder / "b.sock")) as client:
        yield client


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("b")


def test_a_restart_after_a_kill_finds_the_queue_again(folder):
    with _broker(folder) as process, _client(folder) as client:
        client.lpush("queue", "a message")
        client.config_set("appendfsync", "always")
        client.lpush("queue", "another")
        process.kill()
        process.wait()
    assert (folder / "b.sock").exists()
    with _broker(folder), _client(folder) as client:
        assert client.llen("queue") == 2


def test_sigterm_ends_it_and_removes_the_socket(folder):
    with _broker(folder) as process:
        process.terminate()
        assert process.wait(10) == 0
    assert not (folder / "b.sock").exists()


def test_a_second_one_on_the_same_socket_is_refused_in_a_sentence(folder):
    with _broker(folder):
        second = subprocess.run(_command(folder), capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "A broker is already running on" in second.stderr
    assert "Traceback" not in second.stderr


def test_it_ends_with_the_process_that_started_it(folder):
    starter = subprocess.Popen(
        [sys.executable, "-c", RUN_IT, *_command(folder)],
    )
    assert wait_until(lambda: answers(folder / "b.sock"), seconds=20)
    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()
    assert wait_until(lambda: not answers(folder / "b.sock"), seconds=10)


def test_only_its_own_user_can_reach_it(folder):
    with _broker(folder):
        assert (folder / "b.sock").stat().st_mode & 0o077 == 0
