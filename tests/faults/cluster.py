"""A PostgreSQL of a test's own, to be stopped in the middle of everything."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import environ
from django.core.management import call_command
from django.db import connections
from django.db.utils import load_backend

from tests import services

OPTIONS = ("listen_addresses=''", "unix_socket_directories={folder}", "max_connections=25")


class Cluster:
    """Commits are kept as in real life: an immediate stop must not take back what was said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = services._postgresql_programs()
        services._initialise(self.programs, folder)
        self.url = f"postgresql://postgres:@/postgres?host={folder}"
        self.start()

    def start(self) -> None:
        options = " ".join(f"-c {one.format(folder=self.folder)}" for one in OPTIONS)
        log = str(self.folder / "server.log")
        self._control("start", "-w", "-o", options, "-l", log)

    def stop(self) -> None:
        """As if the machine had lost its power, but for the disk's own cache."""
        self._control("stop", "-m", "immediate")

    def _control(self, *arguments: str) -> None:
        subprocess.run(
            [self.programs / "pg_ctl", "-D", self.folder / "data", *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
            **services._as_owner("postgres"),
        )

    @contextmanager
    def as_default(self) -> Iterator[None]:
        """The test's own code works on this cluster meanwhile."""
        ours = connections["default"]
        changes = environ.Env.db_url_config(self.url)
        database = ours.settings_dict | {"OPTIONS": {}, "PORT": ""} | changes
        connections["default"] = load_backend(database["ENGINE"]).DatabaseWrapper(
            database, "default"
        )
        try:
            yield
        finally:
            connections["default"].close()
            connections["default"] = ours

    def migrate(self) -> None:
        with self.as_default():
            call_command("migrate", verbosity=0)


@contextmanager
def cluster() -> Iterator[Cluster]:
    with services._folder() as folder:
        made = Cluster(folder)
        try:
            yield made
        finally:
            made.stop()
