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
    """Databases by name: `url` makes an empty one, `fresh` a copy of one that was filled."""

    name: str

    @abstractmethod
    def url(self, name: str) -> str: ...

    @abstractmethod
    def tidy(self, name: str) -> None:
        """After a load: statistics, and nothing left to clean up in the middle of a round."""

    @abstractmethod
    def fresh(self, name: str) -> str:
        """The url of an untouched copy; the copy before this one is gone."""


class SqliteFiles(Databases):
    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def url(self, name: str) -> str:
        return f"sqlite:///{self.folder / name}.sqlite3"

    def tidy(self, name: str) -> None:
        with closing(sqlite3.connect(self.folder / f"{name}.sqlite3")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("ANALYZE")
            connection.commit()

    def fresh(self, name: str) -> str:
        for old in self.folder.glob("fresh.sqlite3*"):
            old.unlink()
        shutil.copy(self.folder / f"{name}.sqlite3", self.folder / "fresh.sqlite3")
        return self.url("fresh")


class PostgresqlDatabases(Databases):
    def __init__(self, service: Service) -> None:
        self.name = service.name
        self.admin = service.url

    def url(self, name: str) -> str:
        self._execute(f'CREATE DATABASE "{name}"')
        return self._url(name)

    def tidy(self, name: str) -> None:
        with psycopg.connect(self._url(name), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")

    def fresh(self, name: str) -> str:
        self._execute(
            "DROP DATABASE IF EXISTS fresh WITH (FORCE)",
            f'CREATE DATABASE fresh TEMPLATE "{name}"',
            "CHECKPOINT",
        )
        return self._url("fresh")

    def _url(self, name: str) -> str:
        return self.admin.replace("/postgres?", f"/{name}?")

    def _execute(self, *statements: str) -> None:
        with psycopg.connect(self.admin, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


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
