"""Named places in the product at which a worker dies by kill -9; the product knows nothing of it.

`CRASH_POINT` in the environment names one of POINTS, `CRASH_CALL` at which call it strikes (1 is
the first). Installed by `tests.faults.crash_settings` alone.
"""

import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from importlib import import_module
from operator import attrgetter
from typing import Any

from django.apps import AppConfig
from django.db import connection

CONTENT = b"Message-ID: <"


@dataclass(frozen=True)
class Point:
    """Before or after a call of a function; or "during" it: its first statement has run in the
    database, and it has not returned.
    """

    module: str
    function: str
    moment: str


POINTS = {
    "during plan": Point("reminders.outbox.planning", "plan", "during"),
    "during claim": Point("reminders.outbox.rows", "claim", "during"),
    "after claim": Point("reminders.outbox.rows", "claim", "after"),
    "after render": Point("reminders.emails", "compose", "after"),
    "after connect": Point("reminders.transport", "SmtpTransport.ready", "after"),
    "during fence": Point("reminders.outbox.rows", "fence", "during"),
    "after fence": Point("reminders.outbox.rows", "fence", "after"),
    "after RCPT": Point("reminders.journal", "Journal.begin", "before"),
    "before content": Point("reminders.journal", "Journal.begin", "after"),
    "before receipt": Point("reminders.journal", "Journal.accept", "before"),
    "after receipt": Point("reminders.journal", "Journal.accept", "after"),
    "during settle": Point("reminders.outbox.rows", "accept", "during"),
    "after settle": Point("reminders.outbox.rows", "accept", "after"),
}
# These look at what is sent, whoever sends it: half of the content has left, or the dot as well.
ON_THE_LINE = ("inside DATA", "after dot")

_calls: Counter[str] = Counter()


class CrashPoints(AppConfig):
    name = "tests.faults"
    label = "crash_points"

    def ready(self) -> None:
        for name, point in POINTS.items():
            _install(name, point)
        for method in ("send", "sendall"):
            setattr(socket.socket, method, _watched(getattr(socket.socket, method)))


def strike(name: str) -> None:
    """Die here, if it is this point's turn."""
    if os.environ.get("CRASH_POINT") == name:
        _calls[name] += 1
        if _calls[name] == int(os.environ.get("CRASH_CALL", "1")):
            os.kill(os.getpid(), signal.SIGKILL)


def _install(name: str, point: Point) -> None:
    """Put the wrapper wherever the function is known under a name."""
    owner: Any = import_module(point.module)
    *path, last = point.function.split(".")
    if path:
        owner = attrgetter(".".join(path))(owner)
    original = getattr(owner, last)
    wrapper = _wrapped(original, name, point.moment)
    setattr(owner, last, wrapper)
    for module in [m for key, m in sys.modules.items() if key.startswith("reminders")]:
        for known, value in list(vars(module).items()):
            if value is original:
                setattr(module, known, wrapper)


def _wrapped(function: Callable[..., Any], name: str, moment: str) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: object, **kwargs: object) -> Any:
        if moment == "before":
            strike(name)
        if moment == "during":
            with connection.execute_wrapper(partial(_then_strike, name)):
                return function(*args, **kwargs)
        result = function(*args, **kwargs)
        if moment == "after":
            strike(name)
        return result

    return call


def _then_strike(name: str, execute: Callable[..., Any], *statement: Any) -> Any:
    result = execute(*statement)
    if not statement[0].lstrip().startswith("SELECT"):
        strike(name)
    return result


def _watched(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(line: socket.socket, data: Any, *flags: int) -> Any:
        point = os.environ.get("CRASH_POINT")
        if point not in ON_THE_LINE or CONTENT not in bytes(data):
            return method(line, data, *flags)
        if point == "inside DATA":
            if _calls[point] + 1 == int(os.environ.get("CRASH_CALL", "1")):
                method(line, bytes(data)[: bytes(data).index(CONTENT) + len(data) // 3])
            strike(point)
        result = method(line, data, *flags)
        if point == "after dot":
            strike(point)
        return result

    return call
