"""Reminders sent end to end, beside bare smtplib (the floor) and what others send with.

Each variant works in processes of its own, on an untouched copy of its database, into the same
mail server. In every round all of them take their turn; ratios are taken inside a round.
"""

import statistics
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services import Service, broker, cluster

from . import kills
from .hands import Hand
from .servers import OPTIONS, Databases, PostgresqlDatabases, SqliteFiles
from .side_by_side import Figure
from .stage import Run, Stage, Variant

OURS, PEERS = "ocrevus_tracker.settings", "tests.benchmarks.peers"
SLOW = "0.01"  # seconds before each reply: a relay over a network

FLOOR = Variant("smtplib, ready bytes, one connection", "floor", 2000)
ONE = Variant("ours, one process", "ours", 2000, OURS)
ALONE = Variant(
    "ours, one connection", "ours", 2000, OURS, environment={"REMINDER_CONNECTIONS": "1"}
)
TWO = Variant("ours, two processes", "ours", 2000, OURS, processes=2)
POST_OFFICE = Variant("django-post-office", "peers.post_office", 1000, f"{PEERS}.with_post_office")
POST_OFFICE_2 = Variant(
    "django-post-office --processes 2", "peers.post_office", 1000,
    f"{PEERS}.with_post_office", environment={"BENCH_PROCESSES": "2"},
)  # fmt: skip
MAILER = Variant("django-mailer", "peers.mailer", 500, f"{PEERS}.with_mailer")
CELERY = Variant(
    "Celery, a task a mail, prefork 2", "peers.celery_tasks", 300, f"{PEERS}.with_celery"
)
QUICK = (FLOOR, ONE, ALONE, TWO, POST_OFFICE, POST_OFFICE_2, MAILER, CELERY)

SLOW_FLOOR = Variant(FLOOR.name, FLOOR.module, 60)
EIGHT = Variant(
    "ours, one process, eight connections", "ours", 2000, OURS,
    environment={"REMINDER_CONNECTIONS": "8"},
)  # fmt: skip
SLOW_POST_OFFICE = Variant(POST_OFFICE.name, POST_OFFICE.module, 500, POST_OFFICE.settings)
FAR = (SLOW_FLOOR, EIGHT, SLOW_POST_OFFICE)

Round = Mapping[Variant, Run]


def measure(stage: Stage, variants: Sequence[Variant], *, rounds: int) -> list[Round]:
    """All variants in each round, the order turned every other one."""
    # Once for the size of our mails, so that the floor's are no smaller.
    ours = next(one for one in variants if one.module == "ours")
    stage.size = round(stage.run(ours).size)
    found = []
    for number in range(rounds):
        turn = variants if number % 2 else variants[::-1]
        found.append({variant: stage.run(variant) for variant in turn})
    return found


def table(rounds: Sequence[Round], floor: Variant) -> Iterator[str]:
    yield (
        f"{'':<38} {'mails/s':>8}  {'range':<15} {'x floor':>7} "
        f"{'CPU us':>7} {'x floor':>7} {'bytes':>6} {'connections':>11}"
    )
    for variant in sorted(rounds[0], key=lambda one: one is not floor):
        runs = [one[variant] for one in rounds]
        rates = [run.rate for run in runs]
        spread = f"[{min(rates):.0f} … {max(rates):.0f}]"
        yield (
            f"{variant.name:<38} {statistics.median(rates):8.0f}  {spread:<15} "
            f"{statistics.median(_faster(rounds, variant, floor)):7.2f} "
            f"{statistics.median(run.cpu for run in runs) * 1e6:7.0f} "
            f"{statistics.median(_dearer(rounds, variant, floor)):7.1f} "
            f"{runs[0].size:6.0f} {runs[0].connections:11}"
        )


def _faster(rounds: Sequence[Round], one: Variant, other: Variant) -> tuple[float, ...]:
    return tuple(found[one].rate / found[other].rate for found in rounds)


def _dearer(rounds: Sequence[Round], one: Variant, other: Variant) -> tuple[float, ...]:
    return tuple(found[one].cpu / found[other].cpu for found in rounds)


def figures(rounds: Sequence[Round]) -> list[Figure]:
    """Figures 1 to 3, from the rounds of QUICK."""
    figures = [
        Figure("1 rate, ours / smtplib", _faster(rounds, ONE, FLOOR), at_least=0.25, aim=0.5),
    ]
    for peer, must, aim in ((POST_OFFICE, 1.8, 3), (MAILER, 3.5, 7), (CELERY, 7, 12)):
        if peer in rounds[0]:
            name = f"2 rate, ours / {peer.name}"
            figures.append(Figure(name, _faster(rounds, ONE, peer), at_least=must, aim=aim))
    name = "3 CPU per mail, ours / smtplib"
    return [*figures, Figure(name, _dearer(rounds, ONE, FLOOR), at_most=9, aim=3)]


def figures_far(rounds: Sequence[Round]) -> list[Figure]:
    """Figure 4, from the rounds of FAR."""
    to_floor, to_peer = (_faster(rounds, EIGHT, one) for one in (SLOW_FLOOR, SLOW_POST_OFFICE))
    return [
        Figure("4 10 ms a reply, ours on 8 connections / smtplib", to_floor, at_least=6.4, aim=10),
        Figure("4 the same / django-post-office", to_peer, at_least=1.7, aim=2.5),
    ]


@dataclass(frozen=True)
class Setting:
    """Both kinds of databases, a broker, and a folder for files."""

    postgresql: Databases
    sqlite: Databases
    servers: tuple[Service, ...]  # those whose CPU counts
    broker: str
    folder: Path

    def stage(self, databases: Databases, sink: Hand, scale: float) -> Stage:
        environment = {"REDIS_URL": self.broker}
        return Stage(
            databases, self.folder, sink,
            servers=self.servers, environment=environment, scale=scale,
        )  # fmt: skip


@contextmanager
def setting() -> Iterator[Setting]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        database, queue = stack.enter_context(cluster(**OPTIONS)), stack.enter_context(broker())
        databases = PostgresqlDatabases(database), SqliteFiles(folder)
        yield Setting(*databases, (database, queue), queue.url, folder)


def main(*, rounds: int = 5, scale: float = 1) -> bool:
    """Print all of it; whether a figure was missed."""
    with setting() as at:
        with Hand("sink") as sink:
            found = measure(at.stage(at.sqlite, sink, scale), QUICK, rounds=rounds)
            _print("Sending, SQLite (no figure hangs on it)", table(found, FLOOR))
            found = measure(at.stage(at.postgresql, sink, scale), QUICK, rounds=rounds)
            _print(f"Sending, {at.postgresql.name}", table(found, FLOOR))
            reached = figures(found)
        with Hand("sink", BENCH_DELAY=SLOW) as sink:
            found = measure(at.stage(at.postgresql, sink, scale), FAR, rounds=rounds)
            _print("Sending, each reply 10 ms late", table(found, SLOW_FLOOR))
            reached += figures_far(found)
        reached += kills.figures(at.postgresql, at.folder, rounds=rounds, scale=scale)
    _print("Figures", map(str, reached))
    return not all(one.reached for one in reached)


def profile(*, scale: float = 1) -> None:
    """Where our own CPU goes: the 25 functions with the most time of their own, and the 25
    of the outbox with the most time in all.

    On one connection, as the profiler sees one thread only.
    """
    with setting() as at, Hand("sink") as sink:
        stage = at.stage(at.postgresql, sink, scale)
        with stage.hands(ALONE, stage.fresh(ALONE), BENCH_PROFILE="yes") as [hand]:
            hand.ask("warm", 0)
            hand.ask("go", stage.mails(ALONE))


def _print(title: str, lines: Iterable[str]) -> None:
    print(f"\n{title}", *lines, sep="\n", flush=True)
