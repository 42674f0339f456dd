"""Real processes on a database of their own: a mail server, and workers to be killed."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from django.conf import settings
from django.db import connection

from ocrevus_tracker.management.processes import end_with_parent, wait_until

from .score import Mail, Row, read_mails, read_receipts

MANAGE = [sys.executable, "manage.py"]
Process = subprocess.Popen
DIE_WITH_US = partial(end_with_parent, signal.SIGKILL)


class Hands:
    """A parent that forks workers; see `tests.faults.hands`."""

    def __init__(self, process: Process) -> None:
        self.process = process
        assert self._answer() == "ready"

    def fork(self, *argv: str, log: str, **environment: str) -> "Worker":
        return Worker(self, self._ask({"argv": argv, "log": log, "environment": environment}))

    def code(self, pid: int) -> int | None:
        return self._ask({"wait": pid})

    def _ask(self, request: dict[str, Any]) -> Any:
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        line = self.process.stdout.readline()
        assert line, "the parent of the workers has ended; see the stage's log"
        return json.loads(line)


class Worker:
    """One forked `manage.py` command. Its end is seen once only: keep what `poll` says."""

    def __init__(self, hands: Hands, pid: int) -> None:
        self.hands, self.pid = hands, pid
        self.code: int | None = None

    def poll(self) -> int | None:
        if self.code is None:
            self.code = self.hands.code(self.pid)
        return self.code

    def send_signal(self, signum: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, signum)

    def wait(self, seconds: float = 60) -> int:
        deadline = time.monotonic() + seconds
        while (code := self.poll()) is None:
            assert time.monotonic() < deadline, f"a worker runs on after {seconds} s"
            time.sleep(0.005)
        return code

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
        self.wait()


class Crew:
    """Processes that many stages use one after the other: a mail server, parents of workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = (folder / "log").open("ab")
        memory = Path("/dev/shm")  # noqa: S108 - a private folder in it
        self._memory = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else folder)
        self._parents: dict[str, Hands] = {}
        self._sink = self._start("tests.faults.sink", str(folder))
        self.port, self._control = (self._port(name) for name in ("port", "control"))

    def hands(self, settings_module: str) -> Hands:
        if settings_module not in self._parents:
            process = self._start("tests.faults.hands", DJANGO_SETTINGS_MODULE=settings_module)
            self._parents[settings_module] = Hands(process)
        return self._parents[settings_module]

    def sink(self, **manners: object) -> dict[str, int]:
        """Teach the mail server other manners; answers its counts."""
        with socket.create_connection(("127.0.0.1", self._control), 10) as line:
            line.sendall(json.dumps(manners).encode() + b"\n")
            answer: dict[str, int] = json.loads(line.makefile().readline())
        return answer

    def record(self) -> Path:
        """A folder for the mail server, in memory where there is one: its "250" is to come at once,
        and nothing here pulls the plug.
        """
        return Path(tempfile.mkdtemp(dir=self._memory.name))

    def close(self) -> None:
        self._memory.cleanup()
        for process in (self._sink, *(hands.process for hands in self._parents.values())):
            process.kill()
            process.communicate()
        self._log.close()

    def _start(self, module: str, *arguments: str, **environment: str) -> Process:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=settings.BASE_DIR,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
            preexec_fn=DIE_WITH_US,  # noqa: PLW1509 - no locks are held here
        )

    def _port(self, name: str) -> int:
        assert wait_until((self.folder / name).exists, seconds=30), "no mail server"
        return int((self.folder / name).read_text())


class Stage:
    """The reminders that the test has planned, and what it takes to send them."""

    # Enough for a mail; what a test waits for when a worker died.
    TIMES = {
        "REMINDER_LEASE_SECONDS": "2",
        "REMINDER_GRACE_SECONDS": "3",
        "REMINDER_POLL_SECONDS": "1",
    }

    def __init__(
        self,
        crew: Crew,
        folder: Path,
        *,
        database_url: str = "",
        scheme: str = "smtp",
        **environment: str,
    ) -> None:
        self.crew = crew
        self.folder = folder
        self.scheme = scheme
        self.running: list[Process] = []
        self.workers: list[Worker] = []
        self.environment = {
            "REMINDER_JOURNAL": str(folder / "journal"),
            "AUDIT_ANCHOR": str(folder / "anchor"),
            "DJANGO_SETTINGS_MODULE": "ocrevus_tracker.settings",
            **self.TIMES,
            **environment,
        }
        self.database_url = database_url or _database_for_others(folder)
        record = crew.record()
        (folder / "accepted").symlink_to(record / "accepted")
        crew.sink(folder=str(record))

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
                preexec_fn=DIE_WITH_US,  # noqa: PLW1509 - no locks are held here
            )
        self.running.append(process)
        return process

    def sink(self, **manners: object) -> dict[str, int]:
        """Teach the mail server other manners; answers its counts."""
        return self.crew.sink(**manners)

    def start_proxy(self) -> None:
        """From now on workers reach the mail server through it."""
        port = str(self.crew.port)
        self.start([sys.executable, "-m", "tests.faults.proxy", str(self.folder), port])
        self.wait((self.folder / "proxy").exists, "the proxy")

    def weather(self, **changes: object) -> None:
        """What the proxy does from now on."""
        waiting = self.folder / "weather.new"
        waiting.write_text(json.dumps(changes))
        waiting.rename(self.folder / "weather")
        time.sleep(0.05)

    def worker(self, **environment: str) -> Worker:
        """One more worker that plans and delivers until it is stopped."""
        return self.run("deliver_reminders", "--loop", **environment)

    def run(self, *argv: str, **environment: str) -> Worker:
        hands = self.crew.hands(self.environment["DJANGO_SETTINGS_MODULE"])
        log = str(self.folder / "log")
        worker = hands.fork(*argv, log=log, **self._environment() | environment)
        self.workers.append(worker)
        return worker

    def audit(self) -> int:
        """The exit code of `audit_reminders`: 0 when nothing is lost or stuck."""
        return self.run("audit_reminders", "--json").wait()

    def kill(self, process: Process) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.running.remove(process)

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
        for process in list(self.running):
            self.kill(process)

    def wait(self, condition: Callable[[], bool], what: str, *, seconds: float = 120) -> float:
        """Until `condition` holds; answers after how many seconds."""
        began = time.monotonic()
        while not condition():
            waited = time.monotonic() - began
            assert waited < seconds, f"{what}: not in {seconds} s; {self._how_it_stands()}"
            time.sleep(0.01)
        return time.monotonic() - began

    def _environment(self) -> dict[str, str]:
        proxy = self.folder / "proxy"
        port = proxy.read_text() if proxy.exists() else self.crew.port
        mail = {"EMAIL_URL": f"{self.scheme}://127.0.0.1:{port}"}
        return {"DATABASE_URL": self.database_url} | mail | self.environment

    def _how_it_stands(self) -> str:
        log = self.folder / "log"
        words = log.read_text(errors="replace")[-2000:] if log.exists() else ""
        return f"{self.accepted()} mails, {self.states()}, {words}"

    # -- what happened -------------------------------------------------------

    def accepted(self) -> int:
        """How many mails the server has on record."""
        file = self.folder / "accepted"
        return file.read_bytes().count(b"\n") if file.exists() else 0

    def mails(self) -> list[Mail]:
        return read_mails(self.folder / "accepted")

    def copies(self) -> Counter[str]:
        """How many mails each person got."""
        return Counter(one for mail in self.mails() for one in mail.to)

    def receipts(self) -> list[str]:
        return read_receipts(self.folder / "journal")

    def rows(self) -> list[Row]:
        sql = (
            "SELECT r.id, p.email, r.kind, r.due_on, r.message_id, r.state, r.doubt "
            "FROM reminders_reminder r JOIN schedules_patient p ON p.id = r.patient_id"
        )
        return [Row(*found) for found in self.ask(sql)]

    def states(self) -> dict[str, int]:
        return dict(self.ask("SELECT state, count(*) FROM reminders_reminder GROUP BY state"))

    def all_settled(self, *ends: str) -> bool:
        """Whether every reminder was accepted, or else came to one of these `ends`."""
        time.sleep(0.05)  # asking costs the workers time
        return set(self.states()) <= {"ACCEPTED", *ends}

    def change(self, sql: str) -> None:
        """One statement from outside, as only a test may."""
        with self.database() as database:
            database.execute(sql)
            database.commit()

    def ask(self, sql: str) -> list[Any]:
        with self.database() as database:
            found: list[Any] = database.execute(sql).fetchall()
        return found

    @contextmanager
    def database(self) -> Iterator[Any]:
        if self.database_url.startswith("sqlite"):
            path = self.database_url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, timeout=20)) as database:
                yield database
        else:
            with psycopg.connect(self.database_url) as database:
                yield database


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
