"""What was given, checked and replayed in order of date to where the course stands."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .dates import add_days, due_add, min_add
from .regimens import Regimen

Outcome = Literal["completed", "partial"]
Disposition = Literal["count-as-given", "complete-remainder", "repeat"]
Reaction = Literal["mild", "moderate", "severe", "life-threatening"]
Choice = Literal["single", "split"]
Step = Literal["initial-1", "initial-2", "maintenance"]
# What a dose is to its course: the two parts of a first dose, a maintenance dose, the later part
# of one given in two, or a dose to count from because nothing before it is known or valid.
Role = Literal["first", "second", "maintenance", "remainder", "anchor"]
# Why the count starts at the anchor: it is infusion 1, or infusion 1 after a restart; the dose on
# its day left it where it was; the last dose was late or early; it is simply the last dose, or the
# first of the parts that dose was given in.
Counted = Literal["first", "again", "kept", "late", "early", "last", "parts"]


class HistoryError(ValueError):
    """The history cannot be true; the message says why in words for people."""


@dataclass(frozen=True, slots=True)
class Infusion:
    """One infusion that put drug into the patient, on a local date.

    A partial one has no `disposition` until a clinician decides what it counts as (R11).
    `remainder` marks the later part of a `complete-remainder`. `ordinal_known` is false for a
    dose given elsewhere when nobody knows which one it was, `day_known` for one whose month is
    all that anybody knows: `given_on` is then some day of that month, never counted from (R15).
    """

    given_on: dt.date
    dose_mg: int
    outcome: Outcome = "completed"
    disposition: Disposition | None = None
    remainder: bool = False
    ordinal_known: bool = True
    day_known: bool = True
    reaction: Reaction | None = None

    @property
    def awaits_clinician(self) -> bool:
        """Whether nothing can be said of the next dose before somebody decides (R11, R15)."""
        undecided = self.outcome == "partial" and self.disposition is None
        return undecided or not (self.ordinal_known and self.day_known)


@dataclass(frozen=True, slots=True)
class Hold:
    """No infusion from `start`; `end` is the first day allowed again, None while open (R10)."""

    start: dt.date
    end: dt.date | None
    reason: str


@dataclass(frozen=True, slots=True)
class Restart:
    """A clinician's choice after a lapse; the next infusion uses it up (R13)."""

    on: dt.date
    choice: Choice


@dataclass(frozen=True, slots=True)
class Position:
    """Where a course stands after the infusions that count.

    The next nominal maintenance date is `anchor` plus `cycle` intervals: always counted from the
    anchor, never from the date before, so month ends do not drift (R5).
    """

    step: Step = "initial-1"
    anchor: dt.date | None = None
    cycle: int = 1
    last: dt.date | None = None  # the latest infusion that contained drug (R6)
    counted: Counted = "first"
    switched: bool = False  # no dose was given since the regimen changed (A13)
    pending: Choice | None = None
    flags: tuple[str, ...] = ()
    awaits_clinician: bool = False  # nothing can be said before somebody decides (R11, R15)
    ended: bool = False  # a life-threatening reaction ended the drug for good (R12)

    @property
    def planned_step(self) -> Step:
        """Which dose the plan has next: after a choice to split, the first one again (R13)."""
        return "initial-1" if self.pending == "split" else self.step


UNTREATED = Position()


def check(history: Sequence[Infusion], *, today: dt.date, start: Position = UNTREATED) -> None:
    """Refuse a history that cannot be true (R1), or not after what came before it (A13).

    Raises:
        HistoryError: a dose of 0 or less, a date after `today`, two infusions on one date, a
            remainder with no first part, a disposition of a completed infusion, or a date on or
            before the last infusion of `start`.
    """
    seen: set[dt.date] = set()
    awaited = False
    for infusion in sorted(history, key=lambda one: one.given_on):
        if infusion.dose_mg <= 0:
            raise HistoryError(f"the dose on {infusion.given_on} must be more than 0 mg")
        if infusion.given_on > today:
            raise HistoryError(f"the infusion on {infusion.given_on} is after today ({today})")
        if start.last and infusion.given_on <= start.last:
            raise HistoryError(
                f"the infusion on {infusion.given_on} is not after the one on {start.last}, "
                "the last before the change of regimen"
            )
        if infusion.given_on in seen:
            raise HistoryError(f"there are two infusions on {infusion.given_on}; keep one")
        if infusion.remainder and not awaited:
            raise HistoryError(f"the remainder on {infusion.given_on} has no first part before it")
        if infusion.disposition and infusion.outcome == "completed":
            raise HistoryError(
                f"the infusion on {infusion.given_on} is complete: nothing to decide"
            )
        seen.add(infusion.given_on)
        awaited = infusion.remainder or infusion.disposition == "complete-remainder"


def replay(
    regimen: Regimen,
    history: Sequence[Infusion],
    restarts: Iterable[Restart] = (),
    start: Position = UNTREATED,
) -> Position:
    """Where a course that stood at `start` stands after `history`, in whatever order it is given.

    A dose to be repeated does not count: its repeat will. A restart choice applies to the first
    infusion on or after its date.
    """
    doses = sorted(
        (infusion for infusion in history if infusion.disposition != "repeat"),
        key=lambda one: one.given_on,
    )
    choices = sorted(restarts, key=lambda one: one.on)
    position = start
    for index, dose in enumerate(doses):
        match _role(regimen, doses[index:], position, choices):
            case "first":
                position = _after_first(regimen, dose, position)
            case "second":
                position = _after_second(regimen, dose, position)
            case "maintenance":
                position = _after_maintenance(regimen, dose, position)
            case "anchor":
                position = _after_anchor(dose, position)
            case _:  # the remainder of a dose that counts already
                position = _after_remainder(dose, position)
    return replace(
        position,
        pending=_choice_between(choices, position.last, dt.date.max) or position.pending,
        awaits_clinician=start.awaits_clinician or any(one.awaits_clinician for one in history),
        ended=start.ended or any(one.reaction == "life-threatening" for one in history),
    )


def can_switch(regimen: Regimen, to: Regimen, position: Position) -> bool:
    """Whether a course at `position` may go on under `to` with the clock it has (A13).

    Another drug has a clock of its own, and a first dose that is half given is finished first.
    """
    return to != regimen and to.drug == regimen.drug and position.step != "initial-2"


def continued(
    regimen: Regimen,
    history: Sequence[Infusion],
    restarts: Iterable[Restart] = (),
    start: Position = UNTREATED,
    *,
    to: Regimen,
) -> Position:
    """Where the course under `to` starts that goes on from `history` under `regimen` (A13).

    The clock is kept: no dose is split anew and no date moves. Where the intervals differ, the
    count goes on from the dose that was counted last, by the new interval. A correction may
    leave the first dose half given after all; then a clinician is awaited.
    """
    position = replay(regimen, history, restarts, start)
    if position.anchor is None:
        return position
    if position.step == "initial-2":
        return replace(position, step="maintenance", awaits_clinician=True)
    if position.cycle == 1 or regimen.interval == to.interval:
        return replace(position, switched=True)
    counted_last = due_add(position.anchor, regimen.interval * (position.cycle - 1))
    counted: Counted = "last" if counted_last == position.last else "parts"
    return replace(position, anchor=counted_last, cycle=1, counted=counted, switched=True)


def _role(
    regimen: Regimen, doses: Sequence[Infusion], before: Position, choices: Sequence[Restart]
) -> Role:
    """What the first of `doses` is to a course that stands at `before`."""
    dose = doses[0]
    if dose.remainder:
        return "remainder"
    if choice := _choice_between(choices, before.last, dose.given_on) or before.pending:
        return "first" if choice == "split" else "anchor"
    if before.anchor is None:
        return "first" if _is_first_initial(regimen, doses) else "anchor"
    if before.step == "initial-2" and not _is_maintenance(regimen, dose):
        return "second"
    return "maintenance"


def _choice_between(
    choices: Sequence[Restart], last: dt.date | None, until: dt.date
) -> Choice | None:
    """The newest choice made after `last` and by `until`; one before any infusion means nothing."""
    if last is None:
        return None
    made = [one.choice for one in choices if last < one.on <= until]
    return made[-1] if made else None


def _is_first_initial(regimen: Regimen, doses: Sequence[Infusion]) -> bool:
    """Whether `doses` open with the regimen's first initial dose; else it is a transfer-in (R15).

    A dose stopped early is known by what it could be part of.
    """
    first, planned = doses[0], regimen.initial[0].dose_mg
    if first.outcome == "completed":
        return first.dose_mg == planned
    total = first.dose_mg
    for part in doses[1:]:
        if not part.remainder:
            break
        total += part.dose_mg
    return total <= planned


def _is_maintenance(regimen: Regimen, dose: Infusion) -> bool:
    """Whether a dose in second place is by its amount a maintenance dose instead."""
    return dose.dose_mg == regimen.maintenance_mg != regimen.initial[1].dose_mg


def _after_first(regimen: Regimen, dose: Infusion, before: Position) -> Position:
    """R5: after infusion 1 the anchor is its date and the cycle is 1."""
    return Position(
        step="initial-2" if len(regimen.initial) > 1 else "maintenance",
        anchor=dose.given_on,
        last=dose.given_on,
        counted="again" if before.anchor else "first",
        flags=before.flags,
    )


def _after_anchor(dose: Infusion, before: Position) -> Position:
    """R13 single, R15: count from this dose; an earlier anchor is unknown or void."""
    return Position(
        step="maintenance",
        anchor=dose.given_on,
        last=dose.given_on,
        counted="last",
        flags=before.flags,
    )


def _after_second(regimen: Regimen, dose: Infusion, before: Position) -> Position:
    """R3: the second part keeps the anchor; given early it counts and is flagged."""
    assert before.anchor is not None  # only the first dose makes this step
    early = dose.given_on < add_days(before.anchor, regimen.initial[1].offset_days)
    return replace(
        before,
        step="maintenance",
        last=dose.given_on,
        flags=_flagged(before.flags, "SECOND_DOSE_EARLY" if early else None),
    )


def _after_maintenance(regimen: Regimen, dose: Infusion, before: Position) -> Position:
    """R5: on its nominal date it keeps the anchor; any other date becomes the anchor.

    R14: before the minimum gap it counts all the same, flagged, and is never "repeated".
    """
    assert before.anchor is not None  # a first dose came before
    assert before.last is not None
    nominal = due_add(before.anchor, regimen.interval * before.cycle)
    earliest = min_add(before.last, regimen.min_gap)
    on_time = dose.given_on == nominal
    return Position(
        step="maintenance",
        anchor=before.anchor if on_time else dose.given_on,
        cycle=before.cycle + 1 if on_time else 1,
        last=dose.given_on,
        counted="kept" if on_time else _counted(dose.given_on, max(nominal, earliest)),
        flags=_flagged(before.flags, "MIN_INTERVAL" if dose.given_on < earliest else None),
    )


def _counted(given_on: dt.date, due: dt.date) -> Counted:
    """Why a dose off its nominal day is counted from: its due date may have been pushed (R4)."""
    if given_on == due:
        return "last"
    return "late" if given_on > due else "early"


def _after_remainder(dose: Infusion, before: Position) -> Position:
    """R11: the first part counts already; the later one only holds back what follows."""
    from_the_dose = before.counted in {"late", "early", "last"}
    return replace(before, last=dose.given_on, counted="parts" if from_the_dose else before.counted)


def _flagged(flags: tuple[str, ...], flag: str | None) -> tuple[str, ...]:
    """`flags` with `flag` once."""
    return flags if flag is None or flag in flags else (*flags, flag)
