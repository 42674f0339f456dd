"""Databases to copy afresh for each round, and what the servers behind them cost."""

import os
import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import psycopg

from tests.services import CannotHaveError, Service

from .hands import Hand

# As a server of that size is set up; "OLTP planner" is what performance.md asks of the app's role.
OPTIONS = {
    "autovacuum": "off",  # it would fall into one variant's round and not into the other's
    "checkpoint_timeout": "30min",
    "max_wal_size": "8GB",
    "max_parallel_workers_per_gather": "0",
    "random_page_cost": "1.1",
    "shared_buffers": "512MB",
}


class Databases(ABC):
    """Databases by name, to fill once and to copy many times."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.filled: set[str] = set()  # kept by whoever fills them

    @abstractmethod
    def url(self, name: str) -> str: ...

    @abstractmethod
    def create(self, name: str) -> str:
        """The url of an empty database without tables."""

    @abstractmethod
    def tidy(self, name: str) -> None:
        """After a load: statistics, and nothing left to clean up in the middle of a round."""

    @abstractmethod
    def copy(self, name: str, *, to: str) -> str:
        """The url of an untouched copy of what was tidied; a copy of that name before is gone."""


class SqliteFiles(Databases):
    def __init__(self, folder: Path) -> None:
        super().__init__("SQLite")
        self.folder = folder

    def url(self, name: str) -> str:
        return f"sqlite:///{self._file(name)}"

    def create(self, name: str) -> str:
        return self.url(name)

    def tidy(self, name: str) -> None:
        with closing(sqlite3.connect(self._file(name))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("ANALYZE")
            connection.commit()

    def copy(self, name: str, *, to: str) -> str:
        for old in self.folder.glob(f"{to}.sqlite3*"):
            old.unlink()
        shutil.copy(self._file(name), self._file(to))
        return self.url(to)

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.sqlite3"


class PostgresqlDatabases(Databases):
    def __init__(self, service: Service) -> None:
        super().__init__(service.name)
        self.admin = service.url

    def url(self, name: str) -> str:
        return self.admin.replace("/postgres?", f"/{name}?")

    def create(self, name: str) -> str:
        self._execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def tidy(self, name: str) -> None:
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")

    def copy(self, name: str, *, to: str) -> str:
        self._execute(
            f'DROP DATABASE IF EXISTS "{to}" WITH (FORCE)',
            f'CREATE DATABASE "{to}" TEMPLATE "{name}"',
            "CHECKPOINT",
        )
        return self.url(to)

    def _execute(self, *statements: str) -> None:
        with psycopg.connect(self.admin, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


def migrated(databases: Databases, settings: str, name: str) -> str:
    """The url of a database called `name` with the empty tables of `settings`, migrated once."""
    empty = f"empty-{settings}"
    if empty not in databases.filled:
        url = databases.create(empty)
        with Hand("migrating", DATABASE_URL=url, DJANGO_SETTINGS_MODULE=settings) as hand:
            hand.ask("migrate")
        databases.tidy(empty)
        databases.filled.add(empty)
    return databases.copy(empty, to=name)


def cpu_seconds(pids: Iterable[int]) -> float:
    """What these processes and all that they have started cost so far, ended children included.

    Raises:
        CannotHaveError: this system has no /proc.
    """
    if not Path("/proc/self/stat").exists():
        raise CannotHaveError("CPU time of servers is read from /proc, which only Linux has.")
    spent: dict[int, int] = {}
    children = defaultdict(list)
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended; its parent's sum has it
        pid = int(file.parent.name)
        children[int(fields[1])].append(pid)
        spent[pid] = sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime
    waiting, total = [*pids], 0
    while waiting:
        pid = waiting.pop()
        total += spent.get(pid, 0)
        waiting += children[pid]
    return total / os.sysconf("SC_CLK_TCK")
