"""Measuring variants side by side, so that a figure is a ratio and not a machine."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 7


@dataclass(frozen=True)
class Figure:
    """How something compares with its floor: the median of the rounds, and the range.

    It must be `at_most` or `at_least` so much, with `of_all` in each round and not only in the
    median. `aim` is what it would be like at its best; nothing fails for missing that.
    """

    name: str
    ratios: tuple[float, ...]
    at_most: float | None = None
    at_least: float | None = None
    aim: float | None = None
    of_all: bool = False

    @property
    def median(self) -> float:
        return statistics.median(self.ratios)

    @property
    def counted(self) -> float:
        """What is held against the limits."""
        if not self.of_all:
            return self.median
        return max(self.ratios) if self.at_most is not None else min(self.ratios)

    @property
    def reached(self) -> bool:
        under = self.at_most is None or self.counted <= self.at_most
        return under and (self.at_least is None or self.counted >= self.at_least)

    @property
    def aim_reached(self) -> bool:
        if self.aim is None:
            return self.reached
        return self.counted <= self.aim if self.at_most is not None else self.counted >= self.aim

    def __str__(self) -> str:
        wanted = f"≤ {self.at_most:g}" if self.at_most is not None else f"≥ {self.at_least:g}"
        spread = f"[{min(self.ratios):.2f} … {max(self.ratios):.2f}]"
        aim = f"aim {self.aim:g}{'' if self.aim_reached else ' not yet'}" if self.aim else ""
        verdict = "ok" if self.reached else "MISSED"
        limits = f"must {wanted:<7} {aim:<15}"
        return f"{self.name:<66} {self.median:8.2f}  {spread:<18} {limits} {verdict}"


def seconds(act: Callable[[], object], *, times: int = 1) -> float:
    """How long one `act` takes, on average of `times`, without the collector's pauses."""
    gc.collect()
    gc.disable()
    try:
        began = time.perf_counter()
        for _ in range(times):
            act()
        return (time.perf_counter() - began) / times
    finally:
        gc.enable()


def ratios(
    measured: Callable[[], float], floor: Callable[[], float], *, rounds: int = ROUNDS
) -> tuple[float, ...]:
    """`measured` over `floor`, both taken anew in each round, the order turned every other one."""
    found = []
    for number in range(rounds):
        if number % 2:
            above, below = measured(), floor()
        else:
            below, above = floor(), measured()
        found.append(above / below)
    return tuple(found)
