"""`manage.py run_demo`: everything on this machine, with a demo clinic. `make run` calls it."""

import http.client
import os
import signal
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from honcho.environ import parse_procfile

from ocrevus_tracker.management.commands.embedded_broker import answers
from ocrevus_tracker.management.processes import STOP_SIGNALS, Stack, wait_until

STOPPED = "\nStopped. Your data is kept in var/."


class Command(BaseCommand):
    help = "Runs web, broker, worker and beat with a demo clinic until it is stopped."
    # The stack is only for this machine, and `make test` runs the checks.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", default="8000")

    def handle(self, *_args: Any, **options: Any) -> None:
        for signum in STOP_SIGNALS:
            signal.signal(signum, _leave)
        port = free_port(options["port"])
        refuse_second_start()
        stack = self._stack(port, announce=self._prepare())
        stack.loop()
        if stack.ended:
            raise CommandError(
                f"The {stack.ended} process ended by itself, so everything was stopped. "
                "Its last words are above; your data is kept in var/."
            )
        self.stdout.write(STOPPED)

    def _prepare(self) -> str:
        """Brings the database up to date; returns who can sign in to the demo clinic."""
        self.stdout.write("Preparing the database and the demo clinic …")
        self.stdout.flush()
        try:
            call_command("migrate", verbosity=0, interactive=False)
        except OperationalError as error:
            raise CommandError(
                f"The database cannot be used: {str(error).splitlines()[0]}\n"
                "Check DATABASE_URL, or unset it to use SQLite in var/."
            ) from None
        people = StringIO()
        call_command("demo", stdout=people)
        return people.getvalue().strip() + _where_mail_goes()

    def _stack(self, port: int, *, announce: str) -> Stack:
        address = f"http://127.0.0.1:{port}"

        def tell() -> None:
            if wait_until(partial(responds, port), seconds=60):
                self.stdout.write(f"\n{announce}\n\nOpen {address}/   (Ctrl-C stops everything)")
                self.stdout.flush()

        stack = Stack(
            when_started=Thread(target=tell, daemon=True).start,
            stop_wanted=make_was_interrupted,
        )
        place = {"env": _environment(port), "cwd": settings.BASE_DIR}
        for name, command in _lines().items():
            stack.add(name, command, ready=_ready(name), **place)
        return stack


def _where_mail_goes() -> str:
    if not settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        return ""
    folder = os.path.relpath(settings.EMAIL_FILE_PATH)
    return f"\nMail is written to {folder}/: the newest file there holds the code."


def _leave(_signum: int, _frame: FrameType | None) -> None:
    """Ends at once, for no process is started yet and the database undoes what was half done.

    An exception raised here can land in a weakref callback, where Python swallows it.
    """
    os.write(sys.stdout.fileno(), f"{STOPPED}\n".encode())
    os._exit(0)


def free_port(text: str) -> int:
    """The TCP port `text` on the loopback address; raises CommandError if it cannot be had."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:  # noqa: PLR2004
        raise CommandError(f"{text!r} is not a port. Run: make run PORT=8000")
    port = int(text)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except PermissionError:
            raise CommandError(f"Port {port} is not for users. Run: make run PORT=8000") from None
        except OSError:
            other = port + 1 if port < 65535 else 8000  # noqa: PLR2004
            raise CommandError(
                f"Port {port} is in use. Stop the other program, or run: make run PORT={other}"
            ) from None
    return port


def refuse_second_start() -> None:
    """Raises CommandError when this folder's demo runs already: it would share the database."""
    if settings.EMBEDDED_BROKER and answers(settings.BROKER_SOCKET):
        raise CommandError("The demo of this folder is already running. Stop it with Ctrl-C first.")


def responds(port: int) -> bool:
    """Whether a web server answers a request on the loopback address."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def make_was_interrupted() -> bool:
    """Whether `make`, if that started us, is gone or got a Ctrl-C that it did not pass on.

    GNU make hands SIGTERM to its children but waits through a SIGINT sent to it alone; from
    then on it neither catches nor ignores SIGINT, which Linux shows.
    """
    if "MAKELEVEL" not in os.environ:
        return False
    if os.getppid() == 1:
        return True
    try:
        status = Path(f"/proc/{os.getppid()}/status").read_text()
    except OSError:
        return False
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    handled = int(fields["SigCgt"], 16) | int(fields["SigIgn"], 16)
    return not handled >> (signal.SIGINT - 1) & 1


def _lines() -> dict[str, str]:
    text = (settings.BASE_DIR / "Procfile.dev").read_text()
    lines: dict[str, str] = parse_procfile(text).processes
    if not settings.EMBEDDED_BROKER:
        del lines["broker"]
    return lines


def _ready(name: str) -> Callable[[], bool]:
    """When the line `name` can start: the broker at once, the others when it answers."""
    if name == "broker" or not settings.EMBEDDED_BROKER:
        return lambda: True
    return partial(answers, settings.BROKER_SOCKET)


def _environment(port: int) -> dict[str, str]:
    """Ours, with this Python first on the PATH, quiet logs and links that lead back here."""
    here = os.path.dirname(sys.executable)  # noqa: PTH120 - not resolved: it is .venv's own
    return {
        "LOG_LEVEL": "WARNING",
        "SITE_URL": f"http://127.0.0.1:{port}",
        **os.environ,
        "PORT": str(port),
        "PATH": f"{here}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
    }
