"""History + today -> next dose, state, projection, the reasons."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .dates import add_days, due_add, min_add
from .explain import Reason, reasons_for
from .history import (
    UNTREATED,
    HistoryError,
    Hold,
    Infusion,
    Position,
    Restart,
    Step,
    check,
    replay,
)
from .regimens import Regimen, Tolerance
from .trace import Trace, traces

State = Literal[
    "not_started",
    "planned",
    "not_eligible",
    "eligible",
    "in_window",
    "late",
    "overdue",
    "extended",
    "lapsed",
    "on_hold",
    "paused",
    "pending_clinician",
    "discontinued",
]


@dataclass(frozen=True, slots=True)
class NextDose:
    """The dose that comes next. All are local dates; only a given date ever counts clinically."""

    step: Step
    dose_mg: int
    earliest: dt.date
    due: dt.date
    window_start: dt.date | None
    window_end: dt.date | None
    extended_from: dt.date | None  # a clinician reviews the delay from this day
    lapses_on: dt.date | None  # from this day a clinician must choose how to restart


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the engine says of a course on one day. `projected` holds the next three dates."""

    next: NextDose | None
    state: State
    days_past_due: int
    projected: tuple[dt.date, ...]
    provisional: bool  # the first projected date is not `due`, so all will move
    flags: tuple[str, ...]
    reasons: tuple[Reason, ...]
    position: Position  # the anchor and cycle behind the dates (R18)
    regimen: Regimen
    hold: Hold | None = None  # the one in force (R10)

    @property
    def trace(self) -> tuple[Trace, ...]:
        """Where each of the dates comes from (R18)."""
        return traces(self)


def forecast(
    regimen: Regimen,
    *,
    today: dt.date,
    history: Sequence[Infusion] = (),
    ordered_for: dt.date | None = None,
    holds: Sequence[Hold] = (),
    restarts: Sequence[Restart] = (),
    stopped_on: dt.date | None = None,
    start: Position = UNTREATED,
) -> Forecast:
    """The next dose of a course as seen on `today`, a local date.

    The next dose depends on what happened, never on `today`; the state and the projection do.
    A course that goes on from another regimen of the same drug has a `start` (`continued`, A13).

    Raises:
        HistoryError: the history cannot be true (R1).
    """
    check(history, today=today, start=start)
    position = replay(regimen, history, restarts, start)
    hold = _hold_in_force(holds, today)
    upcoming: NextDose | None = None
    reasons: tuple[Reason, ...] = ()
    state: State
    if position.ended or (stopped_on is not None and stopped_on <= today):
        state = "discontinued"
    elif position.awaits_clinician:
        state = "pending_clinician"
    else:
        upcoming = _next_dose(regimen, position, ordered_for)
        state = _state(upcoming, position, hold, today)
        reasons = reasons_for(regimen, position, upcoming, hold)
    past_due = max(0, (today - upcoming.due).days) if upcoming else 0
    projected = _projection(regimen, position, upcoming, hold, today)
    return Forecast(
        next=upcoming,
        state=state,
        days_past_due=past_due,
        projected=projected,
        provisional=bool(upcoming and projected and projected[0] != upcoming.due),
        flags=position.flags,
        reasons=reasons,
        position=position,
        regimen=regimen,
        hold=hold,
    )


def _next_dose(
    regimen: Regimen, position: Position, ordered_for: dt.date | None
) -> NextDose | None:
    """R2, R3, R4 and R6; None before an order and after a choice to split (R13)."""
    if position.pending == "split":
        return None
    if position.anchor is None or position.last is None:
        return _first_dose(regimen, ordered_for) if ordered_for else None
    if position.step == "initial-2":
        return _second_dose(regimen, position.anchor)
    return _maintenance_dose(regimen, position, position.anchor, position.last)


def _first_dose(regimen: Regimen, ordered_for: dt.date) -> NextDose:
    """R2: on the ordered date; there is nothing to be early or late against."""
    return NextDose(
        step="initial-1",
        dose_mg=regimen.dose_mg("initial-1"),
        earliest=ordered_for,
        due=ordered_for,
        window_start=None,
        window_end=None,
        extended_from=None,
        lapses_on=None,
    )


def _second_dose(regimen: Regimen, first: dt.date) -> NextDose:
    """R3: two weeks after infusion 1; lapsed when the first maintenance dose would be due."""
    due = add_days(first, regimen.initial[1].offset_days)
    return _with_window(
        step="initial-2",
        dose_mg=regimen.dose_mg("initial-2"),
        earliest=due,
        due=due,
        tolerance=regimen.second_dose,
        lapses_on=due_add(first, regimen.interval),
    )


def _maintenance_dose(
    regimen: Regimen, position: Position, anchor: dt.date, last: dt.date
) -> NextDose:
    """R4, R6: nominally `cycle` intervals from the anchor, never before the minimum gap.

    R4's gap from infusion 1 and from infusion 2 is the gap from the later one, which is `last`.
    """
    earliest = min_add(last, regimen.min_gap)
    due = max(due_add(anchor, regimen.interval * position.cycle), earliest)
    return _with_window(
        step="maintenance",
        dose_mg=regimen.dose_mg("maintenance"),
        earliest=earliest,
        due=due,
        tolerance=regimen.maintenance,
        lapses_on=due_add(last, regimen.lapse),
    )


def _with_window(
    *,
    step: Step,
    dose_mg: int,
    earliest: dt.date,
    due: dt.date,
    tolerance: Tolerance,
    lapses_on: dt.date,
) -> NextDose:
    """R7: the window opens before due, but never before earliest."""
    return NextDose(
        step=step,
        dose_mg=dose_mg,
        earliest=earliest,
        due=due,
        window_start=max(earliest, add_days(due, -tolerance.early)),
        window_end=add_days(due, tolerance.late),
        extended_from=add_days(due, tolerance.extended),
        lapses_on=lapses_on,
    )


def _hold_in_force(holds: Sequence[Hold], today: dt.date) -> Hold | None:
    """R10: of the holds in force today the latest end, open wins; a pregnancy makes it a pause."""
    in_force = [
        hold for hold in holds if hold.start <= today and (hold.end is None or today < hold.end)
    ]
    if not in_force:
        return None
    longest = max(in_force, key=lambda hold: hold.end or dt.date.max)
    pregnancy = any(hold.reason == "pregnancy" for hold in in_force)
    return Hold(longest.start, longest.end, "pregnancy" if pregnancy else longest.reason)


def _state(
    upcoming: NextDose | None, position: Position, hold: Hold | None, today: dt.date
) -> State:
    """R8: the first that matches, once the course runs and nothing waits for a clinician."""
    if upcoming is None:
        return "planned" if position.pending == "split" else "not_started"
    if hold:
        return "paused" if hold.reason == "pregnancy" else "on_hold"
    if upcoming.window_start is None:
        return "planned"
    if _has_lapsed(upcoming, position, today):
        return "lapsed"
    return _state_by_date(upcoming, today)


def _has_lapsed(dose: NextDose, position: Position, day: dt.date) -> bool:
    """R8, R13: too long without a dose, and nobody has chosen to go on with a single one."""
    return dose.lapses_on is not None and day >= dose.lapses_on and position.pending != "single"


def _state_by_date(dose: NextDose, today: dt.date) -> State:
    """R8, R3: where `today` falls on the line from before the earliest day to long past due."""
    assert dose.window_start and dose.window_end and dose.extended_from  # noqa: PT018 - all or none
    line: tuple[tuple[bool, State], ...] = (
        (today < dose.earliest, "not_eligible"),
        (today < dose.window_start, "eligible"),
        (today <= dose.due, "in_window"),
        (today <= dose.window_end, "late"),
        (today < dose.extended_from, "overdue"),
        (True, "extended"),
    )
    return next(state for here, state in line if here)


def _projection(
    regimen: Regimen,
    position: Position,
    upcoming: NextDose | None,
    hold: Hold | None,
    today: dt.date,
) -> tuple[dt.date, ...]:
    """R9: the next three dates; none while a hold is open, or if the course lapses before."""
    if upcoming is None or (hold and hold.end is None):
        return ()
    first = max(upcoming.due, today, hold.end if hold and hold.end else today)
    if _has_lapsed(upcoming, position, first):
        return ()
    if upcoming.step == "initial-1":
        return _from_first_dose(regimen, first)
    assert position.anchor is not None  # a dose was given
    if upcoming.step == "initial-2":
        return _from_second_dose(regimen, position.anchor, first)
    return _from_maintenance(regimen, position.anchor, position.cycle, first)


def _from_first_dose(regimen: Regimen, first: dt.date) -> tuple[dt.date, ...]:
    """R2: each part of the first dose, then maintenance from infusion 1."""
    parts = tuple(add_days(first, dose.offset_days) for dose in regimen.initial)
    later = tuple(due_add(first, regimen.interval * cycle) for cycle in (1, 2))
    return (parts + later)[:3]


def _from_second_dose(regimen: Regimen, anchor: dt.date, second: dt.date) -> tuple[dt.date, ...]:
    """R9: a late second part may push the first maintenance dose, and then all after it."""
    nominal = due_add(anchor, regimen.interval)
    maintenance = max(nominal, min_add(second, regimen.min_gap))
    if maintenance == nominal:
        return second, maintenance, due_add(anchor, regimen.interval * 2)
    return second, maintenance, due_add(maintenance, regimen.interval)


def _from_maintenance(
    regimen: Regimen, anchor: dt.date, cycle: int, first: dt.date
) -> tuple[dt.date, ...]:
    """R9: on the anchor's line while on time, else counted anew from the first date."""
    if first == due_add(anchor, regimen.interval * cycle):
        return first, *(due_add(anchor, regimen.interval * (cycle + n)) for n in (1, 2))
    return first, *(due_add(first, regimen.interval * n) for n in (1, 2))


__all__ = ["Forecast", "HistoryError", "Hold", "Infusion", "NextDose", "Restart", "forecast"]
