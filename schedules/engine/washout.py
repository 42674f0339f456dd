"""Waiting after a treatment for MS before the first infusion may follow (A14).

Defaults for a clinician to change. Source tags such as [AUB] are those of the project's clinical
rules. The natalizumab figures are those of one cohort (n=139, anti-CD20): no relapse below 30
days, 11 % at 30 to 44, 16 % above 45.
"""

import datetime as dt
from dataclasses import dataclass

from .dates import Interval, due_add, weeks


@dataclass(frozen=True, slots=True)
class Rule:
    """What must pass since the last dose of another drug; None where no span is stated."""

    drug: str
    earliest: Interval | None
    target: Interval | None
    alert_after: Interval | None
    note: str
    source: str


@dataclass(frozen=True, slots=True)
class Washout:
    """The local dates that a previous drug leaves for the first infusion.

    Without `earliest_on` no date can be counted: `note` says what is waited for instead.
    A start after `alert_after` raises the risk of a relapse.
    """

    earliest_on: dt.date | None
    target_on: dt.date | None
    alert_after: dt.date | None
    note: str
    source: str


def _trial(drug: str, count: int) -> Rule:
    """The wash-out of `count` weeks that a trial asked for."""
    return Rule(drug, weeks(count), None, None, "", "[AUB]")


RULES = {
    rule.drug: rule
    for rule in (
        Rule(
            drug="natalizumab",
            earliest=Interval(days=28),
            target=Interval(days=42),
            alert_after=Interval(days=45),
            note="Exclude PML by MRI first.",
            source="[NS][DB]; the brief's 4 to 12 weeks [S]",
        ),
        _trial("fingolimod", 8),
        _trial("azathioprine", 12),
        _trial("mycophenolate", 12),
        _trial("methotrexate", 12),
        _trial("cladribine", 96),
        Rule("teriflunomide", None, None, None, "Wait until the drug is cleared.", "[AUB]"),
    )
}


def washout(drug: str, last_dose_on: dt.date) -> Washout:
    """When the first infusion may follow `drug`, last given on `last_dose_on`, a local date.

    Raises:
        KeyError: the table does not have this drug.
    """
    rule = RULES[drug]
    earliest, target, alert = (
        due_add(last_dose_on, span) if span else None
        for span in (rule.earliest, rule.target, rule.alert_after)
    )
    return Washout(earliest, target, alert, rule.note, rule.source)
