"""honcho's manager, made safe to stop at any moment and quiet while it stops."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from types import FrameType

from honcho.manager import Manager
from honcho.printer import Message, Printer
from honcho.process import Popen, Process

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ASKED_TO_STOP = (130, 143)  # what honcho returns after SIGINT and SIGTERM
PR_SET_PDEATHSIG = 1


def end_with_parent(signum: int = signal.SIGTERM) -> None:
    """Asks the kernel to send `signum` to this process when its parent dies (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signum)


class Child(Process):  # type: ignore[misc]  # honcho has no types
    """One line of the Procfile, held by a small process of honcho's own.

    That small process must never see a stop signal: if it died, nobody would stop its line.
    """

    def __init__(self, *args: object, ready: Callable[[], bool], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.ready = ready
        self.unwanted = False

    def run(self, events: object = None, ignore_signals: bool = False) -> None:  # noqa: FBT001, FBT002
        for signum in STOP_SIGNALS:
            signal.signal(signum, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._give_up)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        end_with_parent(signal.SIGKILL)
        wait_until(lambda: self.unwanted or self.ready(), seconds=15)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if self.unwanted:
            self._events = events
            self._send_message({"pid": os.getpid()}, type="start")
            self._send_message({"returncode": 0}, type="stop")
            return
        self._child_ctor = partial(Popen, preexec_fn=_begin_line)
        super().run(events, ignore_signals)

    def _give_up(self, _signum: int, _frame: FrameType | None) -> None:
        self.unwanted = True


def _begin_line() -> None:
    """In the new process, before the line's program: ordinary signals, and an end with honcho."""
    for signum in STOP_SIGNALS:
        signal.signal(signum, signal.SIG_DFL)
    end_with_parent()


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Whether `condition` came true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class Lines(Printer):  # type: ignore[misc]
    """Prints what the children say until `quiet`: a stop makes each complain of the others."""

    quiet = False

    def write(self, message: Message) -> None:
        if not self.quiet:
            super().write(message)


class Stack(Manager):  # type: ignore[misc]
    """Runs processes until one ends or a stop signal comes, then stops them all.

    `ended` is then the name of the process that ended by itself, None after a stop signal.
    """

    returncode: int | None

    def __init__(
        self, *, when_started: Callable[[], None], stop_wanted: Callable[[], bool]
    ) -> None:
        super().__init__(printer=Lines(sys.stdout))
        self.when_started = when_started
        self.stop_wanted = stop_wanted
        self.ended: str | None = None

    def add(self, name: str, command: str, *, ready: Callable[[], bool], **kwargs: object) -> None:
        """`command` is started once `ready()`; `exec` leaves no shell between it and a signal."""
        self._process_ctor = partial(Child, ready=ready)
        self.add_process(name, f"exec {command}", **kwargs)

    def _start(self) -> None:
        signal.signal(signal.SIGHUP, _as_sigterm)
        # A signal in the middle of this would reach children that cannot handle it yet.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        super()._start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        self.when_started()

    def _all_started(self) -> bool:
        """As honcho asks at each turn; who still waits when all is over need not start."""
        started: bool = super()._all_started()
        if not started and self._any_stopped():
            for process in self._processes.values():
                if process.get("pid") is None:
                    os.kill(process["process"].pid, signal.SIGTERM)
        return started

    def _any_stopped(self) -> bool:
        """As honcho asks, and also true after a signal: then its five seconds' grace begins."""
        if self.returncode is None and self.stop_wanted():
            self.returncode = ASKED_TO_STOP[0]
        return self.returncode is not None or super()._any_stopped()

    def terminate(self) -> None:
        if self._printer.quiet is False and self.returncode not in ASKED_TO_STOP:
            codes = ((name, p.get("returncode")) for name, p in self._processes.items())
            self.ended = next((name for name, code in codes if code is not None), None)
        self._printer.quiet = True
        # honcho cannot stop what has not begun; its loop asks again once all have.
        if self._all_started():
            super().terminate()

    def _system_print(self, data: str) -> None:
        """Nothing: honcho's own news (started, sending SIGTERM …) is not for this audience."""


def _as_sigterm(_signum: int, _frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
