"""Where every date of a forecast comes from, as data that can be stored and checked (R18).

Each date is an anchor plus so many times an interval. What a trace says can be computed again;
the tests do that with every date of every course they make up.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from .dates import Interval, due_add, min_add
from .regimens import Regimen, Tolerance

if TYPE_CHECKING:
    from .forecast import Forecast, NextDose

Overflow = Literal["clamp", "roll-forward", "none"]
NO_SPAN = Interval()


@dataclass(frozen=True, slots=True)
class Trace:
    """`on` is `anchor` plus `n` times `interval`; `overflow` is what a missing day becomes."""

    name: str  # which date of the forecast this is
    on: dt.date
    rule: str
    anchor: dt.date
    n: int
    interval: Interval
    overflow: Overflow
    regimen: str  # code and version

    def __str__(self) -> str:
        """On one line, for a record of what was said when."""
        span = "" if self.interval == NO_SPAN else f" + {self.n} x {self.interval}"
        return (
            f"{self.name} {self.on} = {self.anchor}{span} "
            f"({self.rule}, overflow: {self.overflow}, {self.regimen})"
        )


def traces(found: "Forecast") -> tuple[Trace, ...]:
    """A trace for each date of `found`, in the order in which they are read; none without dates."""
    if found.next is None:
        return ()
    of_the_dose = tuple(_dose(found, found.next))
    return (*of_the_dose, *_projection(found, found.next, due=of_the_dose[1]))


def _added(
    regimen: Regimen,
    name: str,
    rule: str,
    anchor: dt.date,
    *,
    n: int = 0,
    interval: Interval = NO_SPAN,
) -> Trace:
    """The trace of a date that clamps."""
    overflow: Overflow = "clamp" if interval.months else "none"
    on = due_add(anchor, interval * n)
    return Trace(name, on, rule, anchor, n, interval, overflow, regimen.name)


def _minimum(regimen: Regimen, name: str, rule: str, last: dt.date) -> Trace:
    """The trace of a minimum gap after `last`: it rolls forward."""
    gap = regimen.min_gap
    overflow: Overflow = "roll-forward" if gap.months else "none"
    return Trace(name, min_add(last, gap), rule, last, 1, gap, overflow, regimen.name)


def _dose(found: "Forecast", dose: "NextDose") -> Iterator[Trace]:
    """The dates of the next dose: earliest, due, then window and limits where it has them."""
    if dose.step == "initial-1":
        for name in ("earliest", "due"):
            yield _added(found.regimen, name, "R2", dose.due)
    elif dose.step == "initial-2":
        yield from _second_dose(found)
    else:
        yield from _maintenance_dose(found)


def _second_dose(found: "Forecast") -> Iterator[Trace]:
    regimen, first = found.regimen, found.position.anchor
    assert first is not None  # the first part was given
    offset = Interval(days=regimen.initial[1].offset_days)
    earliest = _added(regimen, "earliest", "R3", first, n=1, interval=offset)
    yield earliest
    yield replace(earliest, name="due")
    yield from _limits(regimen, earliest, earliest.on, regimen.second_dose, ("R3", "R3"))
    yield _added(regimen, "lapses_on", "R3", first, n=1, interval=regimen.interval)


def _maintenance_dose(found: "Forecast") -> Iterator[Trace]:
    regimen, position = found.regimen, found.position
    assert position.anchor is not None  # a dose was given
    assert position.last is not None
    opening = position.counted in {"first", "again"}
    earliest = _minimum(regimen, "earliest", "R4" if opening else "R6", position.last)
    nominal = _added(
        regimen, "due", "R5", position.anchor, n=position.cycle, interval=regimen.interval
    )
    due = nominal if nominal.on >= earliest.on else replace(earliest, name="due")
    yield earliest
    yield due
    yield from _limits(regimen, earliest, due.on, regimen.maintenance, ("R7", "R8"))
    yield _added(regimen, "lapses_on", "R8", position.last, n=1, interval=regimen.lapse)


def _limits(
    regimen: Regimen,
    earliest: Trace,
    due: dt.date,
    tolerance: Tolerance,
    rules: tuple[str, str],
) -> Iterator[Trace]:
    """The window around `due`, and from when a clinician reviews the delay."""
    window, delay = rules
    opens = _added(
        regimen, "window_start", window, due, n=-1, interval=Interval(days=tolerance.early)
    )
    yield opens if opens.on >= earliest.on else replace(earliest, name="window_start")
    yield _added(regimen, "window_end", window, due, n=1, interval=Interval(days=tolerance.late))
    yield _added(
        regimen, "extended_from", delay, due, n=1, interval=Interval(days=tolerance.extended)
    )


def _projection(found: "Forecast", dose: "NextDose", *, due: Trace) -> Iterator[Trace]:
    """R9: the first date is due, the end of a hold, or the day it was asked on."""
    if not found.projected:
        return
    first, second, _ = found.projected
    held = found.hold is not None and found.hold.end == first
    if first == due.on:
        yield replace(due, name="projected-1")
    else:
        yield _added(found.regimen, "projected-1", "R10" if held else "R9", first)
    if dose.step == "initial-1":
        yield from _after_first_dose(found.regimen, first)
    elif dose.step == "initial-2":
        yield from _after_second_dose(found, first, second)
    else:
        yield from _after_maintenance_dose(found, first)


def _after_first_dose(regimen: Regimen, first: dt.date) -> Iterator[Trace]:
    parts = [("R3", 1, Interval(days=part.offset_days)) for part in regimen.initial[1:]]
    later = [*parts, ("R5", 1, regimen.interval), ("R5", 2, regimen.interval)]
    for number, (rule, n, interval) in enumerate(later[:2], start=2):
        yield _added(regimen, f"projected-{number}", rule, first, n=n, interval=interval)


def _after_second_dose(found: "Forecast", first: dt.date, second: dt.date) -> Iterator[Trace]:
    regimen, anchor = found.regimen, found.position.anchor
    assert anchor is not None  # the first part was given
    nominal = _added(regimen, "projected-2", "R5", anchor, n=1, interval=regimen.interval)
    if nominal.on == second:
        yield nominal
        yield _added(regimen, "projected-3", "R5", anchor, n=2, interval=regimen.interval)
    else:
        yield _minimum(regimen, "projected-2", "R4", first)
        yield _added(regimen, "projected-3", "R9", second, n=1, interval=regimen.interval)


def _after_maintenance_dose(found: "Forecast", first: dt.date) -> Iterator[Trace]:
    regimen, anchor, cycle = found.regimen, found.position.anchor, found.position.cycle
    assert anchor is not None  # a dose was given
    if first == due_add(anchor, regimen.interval * cycle):
        rule, start, done = "R5", anchor, cycle
    else:
        rule, start, done = "R9", first, 0
    for number, n in ((2, done + 1), (3, done + 2)):
        yield _added(regimen, f"projected-{number}", rule, start, n=n, interval=regimen.interval)
