"""Starts the product as a person would, in a copy of this tree, and looks at what is left."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ocrevus_tracker.management.processes import end_with_parent, wait_until

ROOT = Path(__file__).resolve().parents[2]
UP = "Ctrl-C stops everything"
MAKE = ("make", "--no-print-directory", "run")
PYTHON = (".venv/bin/python", "manage.py", "run_demo")


def copy_tree(folder: Path) -> Path:
    """A copy of the project in `folder`, with this very Python's packages as its .venv."""
    left_out = shutil.ignore_patterns(".git", ".venv", "var", "tests", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, folder, ignore=left_out)
    venv = folder / ".venv"
    venv.mkdir()
    for name in ("bin", "lib"):
        (venv / name).symlink_to(Path(sys.prefix) / name)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", venv)
    shutil.copy(ROOT / "requirements.txt", venv)
    return folder


def bare_environment() -> dict[str, str]:
    """What a stranger's shell has: none of the product's settings, none of make's."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@dataclass
class Demo:
    place: Path
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def words(self) -> str:
        return self.log.read_text()

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.words
        return UP in self.words

    def status(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status
        finally:
            connection.close()

    def ends(self) -> int:
        """Waits for the end; the return code, negative for a signal."""
        return self.process.wait(20)


@contextmanager
def demo(
    place: Path, *, command: tuple[str, ...] = MAKE, port: int = 0, **settings: str
) -> Iterator[Demo]:
    """The stack in `place`, not necessarily up yet; killed afterwards if it still runs."""
    port = port or free_port()
    argument = f"PORT={port}" if command == MAKE else f"--port={port}"
    already_there = left_in(place)
    log = place / f"words-{len(already_there)}-{port}.txt"
    with log.open("wb") as words:
        process = subprocess.Popen(
            [*command, argument],
            cwd=place,
            env=bare_environment() | settings,
            stdout=words,
            stderr=words,
            start_new_session=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509 - no threads here
        )
    try:
        yield Demo(place, port, process, log)
    finally:
        for pid in left_in(place).keys() - already_there.keys():
            os.kill(pid, signal.SIGKILL)
        process.wait(20)


@contextmanager
def demo_up(place: Path, *, command: tuple[str, ...] = MAKE) -> Iterator[Demo]:
    with demo(place, command=command) as running:
        assert wait_until(running.is_up, seconds=60), running.words
        yield running


def left_in(place: Path) -> dict[int, str]:
    """The processes that work in `place`: id and command line."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cwd").readlink().is_relative_to(place):
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:  # it has just ended
            continue
    return found
