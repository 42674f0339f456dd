"""Measuring variants side by side, so that a figure is a ratio and not a machine."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 7


@dataclass(frozen=True)
class Figure:
    """How many times as long as its floor something takes: the median of the rounds, the range."""

    name: str
    ratios: tuple[float, ...]
    at_most: float | None = None
    at_least: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.ratios)

    @property
    def reached(self) -> bool:
        under = self.at_most is None or self.median <= self.at_most
        return under and (self.at_least is None or self.median >= self.at_least)

    def __str__(self) -> str:
        wanted = f"≤ {self.at_most:g}" if self.at_most is not None else f"≥ {self.at_least:g}"
        spread = f"[{min(self.ratios):.2f} … {max(self.ratios):.2f}]"
        verdict = "ok" if self.reached else "MISSED"
        return f"{self.name:<66} {self.median:8.2f}  {spread:<18} must {wanted:<7} {verdict}"


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
