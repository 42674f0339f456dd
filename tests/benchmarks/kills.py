"""kill -9 in the middle of a drain: how many mails are lost, how many come twice."""

import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from .hands import Hand
from .servers import Databases
from .side_by_side import Figure
from .stage import Stage, Variant

DRAIN = Variant("ours, killed", "ours", 2000, "ocrevus_tracker.settings")
# So that the next process takes over within seconds.
SOON = {"REMINDER_LEASE_SECONDS": "2", "REMINDER_GRACE_SECONDS": "3"}


@dataclass(frozen=True)
class Outcome:
    lost: int
    twice: int
    twice_with_receipt: int  # although the journal said that it had gone


def figures(databases: Databases, folder: Path, *, rounds: int, scale: float = 1) -> list[Figure]:
    """Figure 5: counts, one for each kill."""
    with_journal = [kill(databases, folder, journal=True, scale=scale) for _ in range(rounds)]
    without = [kill(databases, folder, journal=False, scale=scale) for _ in range(rounds)]
    lost = tuple(one.lost for one in (*with_journal, *without))
    return [
        Figure("5 kill -9: mails lost", lost, at_most=0, of_all=True),
        Figure(
            "5 kill -9: sent twice, no receipt (one connection)",
            tuple(one.twice for one in without), at_most=1, of_all=True,
        ),
        Figure(
            "5 kill -9: sent twice, with the journal",
            tuple(one.twice for one in with_journal), at_most=1, of_all=True,
        ),
        Figure(
            "5 kill -9: sent twice though there was a receipt",
            tuple(one.twice_with_receipt for one in with_journal), at_most=0, of_all=True,
        ),
    ]  # fmt: skip


def kill(databases: Databases, folder: Path, *, journal: bool, scale: float) -> Outcome:
    """One process is killed somewhere in the middle; another one goes on until all is settled."""
    file = folder / "kill.journal"
    file.unlink(missing_ok=True)
    more = SOON | {"REMINDER_JOURNAL": str(file) if journal else ""}
    with Hand("sink") as sink:
        stage = Stage(databases, folder, sink, scale=scale)
        url = stage.fresh(DRAIN)
        with stage.hands(DRAIN, url, **more) as [hand]:
            hand.ask("warm", 0)
            hand.tell("go", 0)
            enough = random.uniform(0.2, 0.8) * stage.mails(DRAIN)
            while sink.ask("taken")[0] < enough:
                time.sleep(0.002)
            hand.kill()
        receipts = set(file.read_text().split("\n")) if file.exists() else set()
        with stage.hands(DRAIN, url, **more) as [hand]:
            rows = hand.ask("drain")
        copies = Counter(one.strip("<>").split("@")[0] for one in sink.ask("ids"))
    again = [name for name, count in copies.items() if count > 1]
    return Outcome(rows - len(copies), len(again), len(receipts.intersection(again)))
