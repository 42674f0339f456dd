"""Processes that each do one variant's work when they are told to, over a pipe.

Both ends are here: `Hand` for whoever measures; the process is `python -m tests.benchmarks.hands
MODULE`, which sets Django up for its settings (if it has any), imports the module and calls its
`main`, which calls `serve`. A command is one line of JSON, a name and its arguments, and so is the
answer.
"""

import importlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import django

from ocrevus_tracker.management.processes import end_with_parent

ROOT = Path(__file__).resolve().parent.parent.parent


class Hand:
    """A process for `module` of this package, ended with the block or with us."""

    def __init__(self, module: str, **environment: str) -> None:
        self.module = module
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.hands", f"tests.benchmarks.{module}"],
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=partial(end_with_parent, signal.SIGKILL),  # noqa: PLW1509 - no threads here
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    def tell(self, command: str, *arguments: object) -> None:
        self.process.stdin.write(json.dumps([command, *arguments]) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.module} ended with {self.process.wait()}")
        return json.loads(line)

    def ask(self, command: str, *arguments: object) -> Any:
        self.tell(command, *arguments)
        return self.hear()

    def kill(self) -> None:
        """Kill -9: it and whatever it has started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def serve(**commands: Callable[..., object]) -> None:
    """Answer commands until nobody asks any more."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    # What the work itself prints must not pass for an answer.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        answers.write(json.dumps(commands[name](*arguments)) + "\n")
        answers.flush()


def cpu_of(act: Callable[[], object]) -> float:
    """Seconds of CPU that `act` costs this process and its children that have ended."""
    began = _cpu()
    act()
    return _cpu() - began


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


if __name__ == "__main__":
    if "DJANGO_SETTINGS_MODULE" in os.environ:
        django.setup()
    importlib.import_module(sys.argv[1]).main()
