"""What to ask before an infusion is recorded: is this right, and why?

Only what a person may have mistyped or overlooked; nothing here refuses (ux 2.11).
"""

import datetime as dt
from collections.abc import Sequence

from .dates import Interval, due_add, min_add, months
from .explain import Reason
from .history import UNTREATED, Infusion, Position, Restart, replay
from .policy import LONG_GAP
from .regimens import Regimen


def cautions(
    regimen: Regimen,
    history: Sequence[Infusion],
    *,
    given_on: dt.date,
    dose_mg: int,
    remainder: bool = False,
    long_gap: Interval = LONG_GAP,
    restarts: Sequence[Restart] = (),
    start: Position = UNTREATED,
) -> tuple[Reason, ...]:
    """The questions that recording `dose_mg` mg on `given_on` raises, most serious first.

    Looks at the infusions before `given_on` only, so a back-dated one is judged in its place.
    Only the amount can be wrong of a remainder, and of a dose that a choice to restart foresaw
    (R13): the prescriber has agreed its day.
    """
    before = _position_before(given_on, regimen, history, restarts, start)
    planned = planned_mg(
        regimen, history, given_on=given_on, remainder=remainder, restarts=restarts, start=start
    )
    amount = _another_dose(planned, dose_mg)
    if remainder or before.pending:
        return (amount,) if amount else ()
    asked = [
        _too_soon(regimen, before, given_on),
        amount,
        _long_gap(before, given_on, long_gap),
        _second_part_off(regimen, before, given_on),
    ]
    return tuple(one for one in asked if one)


def planned_mg(
    regimen: Regimen,
    history: Sequence[Infusion],
    *,
    given_on: dt.date,
    remainder: bool = False,
    restarts: Sequence[Restart] = (),
    start: Position = UNTREATED,
) -> int:
    """The dose in mg that the plan has for `given_on`: a whole one, or the rest of one begun."""
    parts = _dose_begun(given_on, history) if remainder else []
    begun = parts[0].given_on if parts else given_on
    whole = regimen.dose_mg(_position_before(begun, regimen, history, restarts, start).planned_step)
    return max(0, whole - sum(part.dose_mg for part in parts))


def _position_before(
    day: dt.date,
    regimen: Regimen,
    history: Sequence[Infusion],
    restarts: Sequence[Restart],
    start: Position,
) -> Position:
    """Where the course stood on `day`, before any infusion of that day."""
    earlier = [one for one in history if one.given_on < day]
    return replay(regimen, earlier, [one for one in restarts if one.on <= day], start)


def _dose_begun(day: dt.date, history: Sequence[Infusion]) -> Sequence[Infusion]:
    """The parts given before `day` of the dose whose remainder comes on `day` (R11)."""
    parts: list[Infusion] = []
    for one in sorted(history, key=lambda one: one.given_on):
        if one.given_on < day:
            parts = [*parts, one] if one.remainder else [one]
    return parts


def _too_soon(regimen: Regimen, before: Position, given_on: dt.date) -> Reason | None:
    """R4, R6: the minimum gap to a maintenance dose."""
    if before.step != "maintenance" or before.last is None:
        return None
    if given_on >= min_add(before.last, regimen.min_gap):
        return None
    facts = (("elapsed", elapsed(before.last, given_on)), ("last", before.last))
    return Reason("R6", "too_soon", (*facts, ("gap", regimen.min_gap)))


def _another_dose(planned: int, dose_mg: int) -> Reason | None:
    """R1: an amount other than the plan's wants a reason."""
    if dose_mg == planned:
        return None
    return Reason("R1", "another_dose", (("planned", planned), ("dose_mg", dose_mg)))


def _long_gap(before: Position, given_on: dt.date, long_gap: Interval) -> Reason | None:
    """A11: after a long gap the prescriber agrees the plan first."""
    if before.last is None or given_on <= due_add(before.last, long_gap):
        return None
    return Reason("A11", "long_gap", (("elapsed", elapsed(before.last, given_on)),))


def _second_part_off(regimen: Regimen, before: Position, given_on: dt.date) -> Reason | None:
    """R3: the second part of the first dose not near its day: before it, or as late as the end of
    its window.
    """
    if before.step != "initial-2" or before.anchor is None:
        return None
    planned, days = regimen.initial[1].offset_days, (given_on - before.anchor).days
    if planned <= days < planned + regimen.second_dose.late:
        return None
    return Reason("R3", "second_part_off", (("days", days), ("planned", planned)))


def elapsed(start: dt.date, end: dt.date) -> str:
    """The time from `start` to `end` as people say it: "4 months and 2 days".

    A month is over when a minimum gap of a month would be, so that the words never say "5 months"
    of a dose that came before its five months were over.

    >>> elapsed(dt.date(2026, 9, 30), dt.date(2027, 2, 28))
    '4 months and 29 days'
    """
    whole = (end.year - start.year) * 12 + end.month - start.month
    while min_add(start, months(whole)) > end:
        whole -= 1
    days = (end - due_add(start, months(whole))).days
    parts = [_counted(whole, "month"), _counted(days, "day")]
    return " and ".join(part for part in parts if part) or "0 days"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}" if count else ""
