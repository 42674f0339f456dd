"""The reasons behind a date: as data with their rule, and as sentences for people.

A page in another language translates the sentence by its code and fills in the same facts.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .dates import Interval, due_add
from .history import Hold, Position
from .regimens import Regimen

if TYPE_CHECKING:
    from .forecast import NextDose

Fact = dt.date | Interval | int | str

SENTENCES = {
    "ordered": "Your first infusion is planned for {due}.",
    "split_chosen": "Your treatment starts again with a first dose in two parts.",
    "first_chosen": "Your treatment starts again with a first dose.",
    "single_chosen": "Your treatment goes on with one full dose.",
    "switched": "Your treatment plan has changed. You do not need a new first dose.",
    "first": "Your first infusion was on {anchor}.",
    "again": "Your treatment started again on {anchor}.",
    "second_part": "The second part of the first dose is given {offset} later. "
    "{anchor} plus {offset} is {due}.",
    "from_first": "The next dose is counted from your first infusion.",
    "from_again": "The next dose is counted from that day.",
    "last": "Your last infusion was on {last}.",
    "reset_late": "Your last infusion was later than planned, so we count from the day you had it.",
    "reset_early": "Your last infusion was earlier than planned, "
    "so we count from the day you had it.",
    "kept": "Your last infusion was on {last}, just as planned, "
    "so we go on counting from {anchor}.",
    "parts": "Your last dose was given in two parts. We count from the first, on {anchor}.",
    "interval": "Infusions are planned {interval} apart. {anchor} plus {span} is {nominal}.",
    "clamped": "That month has no day {day}, so it is the last day of the month.",
    "too_soon": "This is {elapsed} after the last infusion ({last}). "
    "The label says at least {gap}. Is the date right?",
    "another_dose": "The plan says {planned} mg. You chose {dose_mg} mg. Is the dose right?",
    "long_gap": "It has been {elapsed} since the last infusion. "
    "Has the prescriber agreed the plan?",
    "second_part_off": "Visit 2 is {days} days after visit 1. The plan is about {planned}. "
    "Is the date right?",
    "pushed": "At least {gap} must pass after the last infusion, so it cannot be before {due}.",
    "held": "No infusion is given before {until}. The due date stays the same.",
    "held_past_due": "No infusion is given before {until}, so it will be later than planned.",
    "held_open": "No infusion is given for now. Your clinic will say when you can go on.",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a date is what it is: the rule's number, a sentence's code, and what fills it."""

    rule: str
    code: str
    facts: tuple[tuple[str, Fact], ...] = ()

    def __str__(self) -> str:
        """The sentence in English."""
        return SENTENCES[self.code].format(**{name: _in_words(fact) for name, fact in self.facts})


def _reason(rule: str, code: str, **facts: Fact) -> Reason:
    return Reason(rule, code, tuple(facts.items()))


def _in_words(fact: Fact) -> str:
    """A date as "March 3, 2026", anything else as it says itself."""
    if isinstance(fact, dt.date):
        return f"{fact:%B} {fact.day}, {fact.year}"
    return str(fact)


def reasons_for(
    regimen: Regimen, position: Position, upcoming: "NextDose | None", hold: Hold | None
) -> tuple[Reason, ...]:
    """The reasons for the next dose's date, in the order in which they are told."""
    if upcoming is None:
        return _chosen_first(regimen) if position.pending == "split" else ()
    return (*_dated(regimen, position, upcoming), *_held(upcoming, hold))


def _chosen_first(regimen: Regimen) -> tuple[Reason, ...]:
    return (_reason("R13", "split_chosen" if len(regimen.initial) > 1 else "first_chosen"),)


def _dated(regimen: Regimen, position: Position, upcoming: "NextDose") -> tuple[Reason, ...]:
    if position.anchor is None:
        return (_reason("R2", "ordered", due=upcoming.due),)
    if upcoming.step == "initial-2":
        return _second_part(regimen, position, position.anchor, upcoming.due)
    return _maintenance(regimen, position, position.anchor, upcoming.due)


def _second_part(
    regimen: Regimen, position: Position, anchor: dt.date, due: dt.date
) -> tuple[Reason, ...]:
    offset = Interval(days=regimen.initial[1].offset_days)
    return (
        _start(position, anchor),
        _reason("R3", "second_part", anchor=anchor, offset=offset, due=due),
    )


def _maintenance(
    regimen: Regimen, position: Position, anchor: dt.date, due: dt.date
) -> tuple[Reason, ...]:
    span = regimen.interval * position.cycle
    nominal = due_add(anchor, span)
    told = [*_decided(position), *_where_from(position, anchor)]
    told.append(
        _reason(
            "R5",
            "interval",
            interval=regimen.interval,
            anchor=anchor,
            span=span,
            nominal=nominal,
            cycle=position.cycle,
            regimen=regimen.name,
        )
    )
    if regimen.interval.months and nominal.day != anchor.day:
        told.append(_reason("A1", "clamped", day=anchor.day))
    if due != nominal:
        told.append(_reason("R4", "pushed", gap=regimen.min_gap, due=due))
    return tuple(told)


def _decided(position: Position) -> Iterator[Reason]:
    """What a person decided since the last infusion."""
    if position.switched:
        yield _reason("A13", "switched")
    if position.pending == "single":
        yield _reason("R13", "single_chosen")


def _where_from(position: Position, anchor: dt.date) -> tuple[Reason, ...]:
    """Which infusion the count starts at, and why."""
    assert position.last is not None  # a dose was given
    match position.counted:
        case "first" | "again":
            return _start(position, anchor), _reason("R4", f"from_{position.counted}")
        case "kept":
            return (_reason("R5", "kept", last=position.last, anchor=anchor),)
        case "parts":
            return (_reason("R11", "parts", anchor=anchor),)
    last = _reason("R6", "last", last=position.last)
    if position.counted == "last":
        return (last,)
    return last, _reason("R5", f"reset_{position.counted}")


def _start(position: Position, anchor: dt.date) -> Reason:
    """The infusion that a first dose began with; after a restart it is not the first of all."""
    if position.counted == "again":
        return _reason("R13", "again", anchor=anchor)
    return _reason("R5", "first", anchor=anchor)


def _held(upcoming: "NextDose", hold: Hold | None) -> tuple[Reason, ...]:
    """R10: what a hold or a pause in force does to the first possible day."""
    if hold is None:
        return ()
    if hold.end is None:
        return (_reason("R10", "held_open"),)
    if hold.end <= upcoming.earliest:
        return ()
    code = "held" if hold.end <= upcoming.due else "held_past_due"
    return (_reason("R10", code, until=hold.end),)
