"""Where senders are measured: a mail server, untouched databases, processes that begin together."""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.services import Service

from .hands import Hand
from .servers import Databases, cpu_seconds, migrated

# As in production: with DEBUG Django keeps every query in memory.
PRODUCTION = {
    "ALLOWED_HOSTS": "visits.example.org",
    "LOG_LEVEL": "CRITICAL",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "SITE_URL": "https://visits.example.org",
}
LEAST = 20  # mails in a round, however short it is


@dataclass(frozen=True)
class Variant:
    """One way to send. `mails` is how many it sends in a round: the slow ones fewer."""

    name: str
    module: str
    mails: int
    settings: str = ""
    processes: int = 1
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Run:
    rate: float  # mails a second by the clock
    cpu: float  # seconds of CPU a mail, of the senders, the database and the broker
    size: float  # bytes a mail
    connections: int


class Stage:
    """`sink` is the mail server, `servers` are those whose CPU counts, `scale` shortens rounds."""

    def __init__(
        self,
        databases: Databases,
        folder: Path,
        sink: Hand,
        *,
        servers: Sequence[Service] = (),
        environment: Mapping[str, str] | None = None,
        scale: float = 1,
    ) -> None:
        self.given = environment or {}
        self.databases, self.folder, self.sink, self.scale = databases, folder, sink, scale
        self.pids = [one.pid for one in servers if one.pid]
        self.port = sink.ask("port")
        self.size = 6000  # of the floor's mails: as large as those that came before

    def run(self, variant: Variant) -> Run:
        """One turn: so many mails, from the word "go" until the last process is done."""
        with self.hands(variant, self.fresh(variant)) as hands:
            for number, hand in enumerate(hands):
                hand.ask("warm", number)
            mails, size, connections = self.sink.ask("taken")
            spent = cpu_seconds(self.pids)
            began = time.perf_counter()
            for hand in hands:
                hand.tell("go", self.mails(variant))
            cpu = sum(hand.hear() for hand in hands)
            seconds = time.perf_counter() - began
            cpu += cpu_seconds(self.pids) - spent
        now = self.sink.ask("taken")
        sent = now[0] - mails
        assert sent >= self.mails(variant), f"{variant.name}: {sent} mails came"
        return Run(sent / seconds, cpu / sent, (now[1] - size) / sent, now[2] - connections)

    def mails(self, variant: Variant) -> int:
        return max(LEAST, int(variant.mails * self.scale))

    def fresh(self, variant: Variant) -> str:
        """The url of an untouched database for `variant`; empty when it needs none."""
        if not variant.settings:
            return ""
        name = f"{variant.module}-{self.mails(variant)}"
        if name not in self.databases.filled:
            with Hand(
                variant.module,
                **self.environment(variant, migrated(self.databases, variant.settings, name)),
            ) as hand:
                hand.ask("fill", self.mails(variant))
            self.databases.tidy(name)
            self.databases.filled.add(name)
        return self.databases.copy(name, to="fresh")

    @contextmanager
    def hands(self, variant: Variant, url: str, **more: str) -> Iterator[list[Hand]]:
        """The variant's processes, on the database `url`."""
        environment = self.environment(variant, url) | more
        with ExitStack() as stack:
            made = [Hand(variant.module, **environment) for _ in range(variant.processes)]
            yield [stack.enter_context(hand) for hand in made]

    def environment(self, variant: Variant, url: str) -> dict[str, str]:
        django = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": variant.settings}
        return {
            **PRODUCTION,
            **(django if variant.settings else {}),
            "BENCH_FOLDER": str(self.folder),
            "BENCH_PORT": str(self.port),
            "BENCH_SIZE": str(self.size),
            **self.given,
            "EMAIL_URL": f"smtp://127.0.0.1:{self.port}",
            "REMINDER_JOURNAL": str(self.folder / "receipts.journal"),
            "AUDIT_ANCHOR": str(self.folder / "anchor"),
            **variant.environment,
        }
