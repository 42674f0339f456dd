"""Planning with ten thousand, a hundred thousand and a million courses, on both databases.

A process for each size keeps its database open; in every round each of them does every step, and
ratios are taken inside a round.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

from .hands import Hand
from .sending import OURS, setting
from .servers import Databases, migrated
from .side_by_side import Figure
from .stage import PRODUCTION

SIZES = (10_000, 100_000, 1_000_000)
TIMES = 200
STEPS = {
    "SELECT 1 through Django": ("select_one", TIMES),
    "tick, nothing due": ("idle", TIMES),
    "tick, nothing due, writes its heartbeat": ("idle_minute",),
    "3,000 due: raw INSERT … SELECT": ("by_insert",),
    "3,000 due: tick": ("by_tick",),
    "3,000 due: bulk_create": ("by_bulk_create",),
}
ONE, IDLE, _BEAT, RAW, TICK, BULK = STEPS

Round = Mapping[tuple[int, str], float]


def measure(databases: Databases, sizes: Sequence[int], *, rounds: int) -> list[Round]:
    with ExitStack() as stack:
        hands = {size: stack.enter_context(_filled(databases, size)) for size in sizes}
        steps = [(size, step) for step in STEPS for size in sizes]
        found = []
        for number in range(rounds):
            turn = steps if number % 2 else steps[::-1]
            found.append({(size, step): hands[size].ask(*STEPS[step]) for size, step in turn})
    return found


def _filled(databases: Databases, size: int) -> Hand:
    name = f"planning-{size}"
    environment = PRODUCTION | {
        "DATABASE_URL": migrated(databases, OURS, name),
        "DJANGO_SETTINGS_MODULE": OURS,
    }
    with Hand("planner", **environment) as hand:
        hand.ask("fill", size)
    databases.tidy(name)
    hand = Hand("planner", **environment)
    courses, reminders, spent = hand.ask("settle")
    print(f"{courses:,} courses, {reminders:,} reminders; a whole pass: {spent:,} ms", flush=True)
    databases.tidy(name)
    return hand


def table(rounds: Sequence[Round], sizes: Sequence[int]) -> Iterator[str]:
    """Milliseconds, medians of the rounds."""
    yield f"{'ms':<42}" + "".join(f"{size:>14,}" for size in sizes)
    for step in STEPS:
        medians = (statistics.median(one[size, step] for one in rounds) for size in sizes)
        yield f"{step:<42}" + "".join(f"{median * 1000:14.3f}" for median in medians)


def figures(rounds: Sequence[Round], sizes: Sequence[int]) -> list[Figure]:
    """Figures 6 and 7."""
    few, many = sizes[0], sizes[-1]

    def over(one: tuple[int, str], other: tuple[int, str]) -> tuple[float, ...]:
        return tuple(found[one] / found[other] for found in rounds)

    of, grown = f"at {many:,}", f"at {many:,} / at {few:,}"
    idle, tick = (many, IDLE), (many, TICK)
    return [
        Figure(f"6 {IDLE} / SELECT 1, {of}", over(idle, (many, ONE)), at_most=5, aim=2),
        Figure(f"6 {IDLE}, {grown}", over(idle, (few, IDLE)), at_most=1.15, aim=1.05),
        Figure(f"7 {TICK} / raw INSERT, {of}", over(tick, (many, RAW)), at_most=1.3, aim=1.1),
        Figure(f"7 {TICK}, {grown}", over(tick, (few, TICK)), at_most=1.2, aim=1.1),
        Figure(f"7 bulk_create / tick, {of}", over((many, BULK), tick), at_least=4, aim=5),
    ]


def main(*, sizes: Sequence[int] = SIZES, rounds: int = 5) -> bool:
    """Print all of it; whether a figure was missed."""
    reached: list[Figure] = []
    with setting() as at:
        for databases in (at.sqlite, at.postgresql):
            print(f"\nPlanning, {databases.name}", flush=True)
            found = measure(databases, sizes, rounds=rounds)
            print(*table(found, sizes), sep="\n", flush=True)
            reached = figures(found, sizes)
    print("\nFigures", *reached, sep="\n", flush=True)
    return not all(one.reached for one in reached)
