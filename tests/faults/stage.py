"""Real processes on a database of their own: a mail server, and workers to be killed."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from django.conf import settings
from django.db import connection
from django.utils import timezone

from reminders import outbox
from tests.cast import make_clinic
from tests.reminders.conftest import many_due_courses

MANAGE = [sys.executable, "manage.py"]
LOOP = [*MANAGE, "deliver_reminders", "--loop"]
Process = subprocess.Popen


class Stage:
    """`count` planned reminders, ready at this hour, and what it takes to send them."""

    def __init__(self, folder: Path, *, count: int) -> None:
        self.folder = folder
        self.count = count
        self.running: list[Process] = []
        _plan_reminders(count)
        self.database_url = _database_for_others(folder)

    # -- processes -----------------------------------------------------------

    def start(self, command: list[str], **environment: str) -> Process:
        """`command` in a session of its own, so that killing it leaves no child of it."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                env=os.environ | self._environment() | environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def start_sink(self) -> None:
        self.start([sys.executable, "-m", "tests.faults.sink", str(self.folder)])
        self.wait((self.folder / "port").exists, "the mail server")

    def kill(self, process: Process) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.running.remove(process)

    def close(self) -> None:
        for process in list(self.running):
            self.kill(process)

    def wait(self, condition: Callable[[], bool], what: str, *, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not in {seconds} s; {self._log_end()}"
            time.sleep(0.01)

    def _environment(self) -> dict[str, str]:
        port = self.folder / "port"
        return {
            "DATABASE_URL": self.database_url,
            "EMAIL_URL": f"smtp://127.0.0.1:{port.read_text()}" if port.exists() else "",
            "REMINDER_JOURNAL": str(self.folder / "journal"),
            "REMINDER_LEASE_SECONDS": "3",
            "REMINDER_GRACE_SECONDS": "4",
            "REMINDER_POLL_SECONDS": "1",
            "DJANGO_SETTINGS_MODULE": "ocrevus_tracker.settings",
        }

    def _log_end(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    # -- what happened -------------------------------------------------------

    def accepted(self) -> int:
        """How many mails the server has on record."""
        file = self.folder / "accepted"
        return file.read_bytes().count(b"\n") if file.exists() else 0

    def copies(self) -> Counter[str]:
        """How often the server took each mail, by the left part of its Message-ID."""
        lines = (self.folder / "accepted").read_text().splitlines()
        return Counter(json.loads(line)["id"].strip("<>").split("@")[0] for line in lines)

    def recipients(self) -> set[str]:
        lines = (self.folder / "accepted").read_text().splitlines()
        return {one for line in lines for one in json.loads(line)["to"]}

    def receipts(self) -> Counter[str]:
        """How often a worker wrote down that the server took each mail."""
        file = self.folder / "journal"
        return Counter(file.read_text().splitlines() if file.exists() else [])

    def rows(self) -> dict[str, tuple[str, int]]:
        """Each reminder's state and number of doubts, by its Message-ID."""
        sql = "SELECT message_id, state, doubt FROM reminders_reminder"
        with self._connect() as database:
            return {name: (state, doubt) for name, state, doubt in database.execute(sql)}

    def all_settled(self) -> bool:
        return all(state == "ACCEPTED" for state, _doubt in self.rows().values())

    @contextmanager
    def _connect(self) -> Iterator:
        if self.database_url.startswith("sqlite"):
            path = self.folder / "stage.sqlite3"
            with closing(sqlite3.connect(path, timeout=20)) as database:
                yield database
        else:
            with psycopg.connect(self.database_url) as database:
                yield database


def _plan_reminders(count: int) -> None:
    now = timezone.now()
    # Where it is noon now: mails go by day only, and these tests run at any hour.
    hours = 12 - now.hour
    clinic = make_clinic(time_zone=f"Etc/GMT{-hours:+d}" if hours else "UTC")
    many_due_courses(clinic, due_in=60, count=count, today=clinic.local_date(now))
    assert outbox.plan(now=now) == count


def _database_for_others(folder: Path) -> str:
    """The test's own database on PostgreSQL; a copy in a file of the one in memory on SQLite."""
    made = connection.settings_dict
    if connection.vendor == "sqlite":
        path = folder / "stage.sqlite3"
        connection.ensure_connection()
        with closing(sqlite3.connect(path)) as copy:
            connection.connection.backup(copy)
        return f"sqlite:///{path}"
    user = f"{quote(made['USER'])}:{quote(made['PASSWORD'])}@" if made["USER"] else ""
    if str(made["HOST"]).startswith("/") or not made["HOST"]:
        options = made["OPTIONS"].get("host") or made["HOST"]
        return f"postgresql://{user}/{made['NAME']}?host={options}"
    return f"postgresql://{user}{made['HOST']}:{made['PORT'] or 5432}/{made['NAME']}"
