"""Dosing protocols as frozen data.

A regimen is never edited: a change of label becomes a new version, and a course keeps the
version it was started on. Source tags such as [HCP] are those of the project's clinical rules.
"""

import re
from dataclasses import dataclass
from typing import Literal

from .dates import Interval, months, weeks

Drug = Literal["ocrelizumab", "ublituximab"]
Route = Literal["iv", "sc"]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Days around a due date, for states and booking only; they never move a date (R3, R7, R8)."""

    early: int  # the window opens this many days before due, but never before earliest
    late: int  # and closes this many days after due; overdue from the day after
    extended: int  # a clinician reviews the delay from this many days after due


@dataclass(frozen=True, slots=True)
class InitialDose:
    """One part of the first dose."""

    step: str
    dose_mg: int
    offset_days: int  # days after the first infusion


@dataclass(frozen=True, slots=True)
class Regimen:
    """A dosing protocol: the first dose in one or two parts, then maintenance for years."""

    code: str
    version: str
    title: str
    drug: Drug  # what one clock counts: two regimens of one drug continue each other (A13)
    route: Route
    source: str
    initial: tuple[InitialDose, ...]
    maintenance_mg: int
    interval: Interval  # from the first infusion, then from maintenance to maintenance (R4, R5)
    min_gap: Interval  # least time from any infusion to a maintenance dose (R4, R6)
    second_dose: Tolerance  # around the second part of the first dose (R3)
    maintenance: Tolerance  # around a maintenance dose (R7, R8)
    lapse: Interval  # since the last infusion; then a clinician chooses how to restart (R8, A11)

    @property
    def name(self) -> str:
        """The code and the version, as a stored date carries them (R18)."""
        return f"{self.code} {self.version}"

    @property
    def grounds(self) -> str:
        """The source as people read it, without the tags."""
        return re.sub(r" ?\[[A-Z]+\]", "", self.source)

    def dose_mg(self, step: str) -> int:
        """The planned dose in mg at `step`: one of the initial ones, else maintenance."""
        initial = {dose.step: dose.dose_mg for dose in self.initial}
        return initial.get(step, self.maintenance_mg)


# R3: window to day 21, overdue from day 22, review from day 28, counted from infusion 1.
SECOND_DOSE = Tolerance(early=0, late=7, extended=14)
# R7, A5: ± 14 days is this project's own soft window; A6: studies call 4 weeks late "extended".
MAINTENANCE = Tolerance(early=14, late=14, extended=28)
# A11: a full dose skipped.
LAPSE = months(12)

OCREVUS_IV = Regimen(
    code="ocrevus-iv",
    version="2026-11",
    title="Ocrevus IV, every 6 months",
    drug="ocrelizumab",
    route="iv",
    source="US label [HCP][DC] and EU SmPC [EMC][RXR]: 300 mg, 300 mg two weeks later, then "
    "600 mg 6 months after infusion 1 and every 6 months; at least 5 months between doses",
    initial=(InitialDose("initial-1", 300, 0), InitialDose("initial-2", 300, 14)),
    maintenance_mg=600,
    interval=months(6),
    min_gap=months(5),
    second_dose=SECOND_DOSE,
    maintenance=MAINTENANCE,
    lapse=LAPSE,
)

OCREVUS_IV_24W = Regimen(
    code="ocrevus-iv-24w",
    version="2026-11",
    title="Ocrevus IV, every 24 weeks",
    drug="ocrelizumab",
    route="iv",
    source="the trials [ENS] and the maker's older page [OLD]: 24 weeks, at least 20 weeks apart",
    initial=OCREVUS_IV.initial,
    maintenance_mg=600,
    interval=weeks(24),
    min_gap=weeks(20),
    second_dose=SECOND_DOSE,
    maintenance=MAINTENANCE,
    lapse=LAPSE,
)

OCREVUS_SC = Regimen(
    code="ocrevus-sc",
    version="2026-11",
    title="Ocrevus under the skin, every 6 months",
    drug="ocrelizumab",
    route="sc",
    source="US label [SCL]: 920 mg every 6 months, first dose not split; "
    "at least 5 months between doses (a weak source [WFP])",
    initial=(InitialDose("initial-1", 920, 0),),
    maintenance_mg=920,
    interval=months(6),
    min_gap=months(5),
    second_dose=SECOND_DOSE,
    maintenance=MAINTENANCE,
    lapse=LAPSE,
)

BRIUMVI = Regimen(
    code="briumvi",
    version="2026-11",
    title="Briumvi, every 24 weeks",
    drug="ublituximab",
    route="iv",
    source="US label [DCU]: 150 mg, 450 mg two weeks later, then 450 mg 24 weeks after infusion 1 "
    "and every 24 weeks; at least 5 months between doses [BRI]",
    initial=(InitialDose("initial-1", 150, 0), InitialDose("initial-2", 450, 14)),
    maintenance_mg=450,
    interval=weeks(24),
    min_gap=months(5),
    second_dose=SECOND_DOSE,
    maintenance=MAINTENANCE,
    lapse=LAPSE,
)

REGIMENS = {
    (regimen.code, regimen.version): regimen
    for regimen in (OCREVUS_IV, OCREVUS_IV_24W, OCREVUS_SC, BRIUMVI)
}


def current_regimen(code: str) -> Regimen:
    """The newest version of the regimen called `code`.

    Raises:
        KeyError: there is no such regimen.
    """
    versions = [version for known, version in REGIMENS if known == code]
    if not versions:
        raise KeyError(code)
    return REGIMENS[code, max(versions)]
