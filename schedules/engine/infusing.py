"""How an infusion is run: rate tables, run time, and how long it takes a chair.

The tables are frozen data with their source, as in section 3 of the clinical rules; the times are
computed from them. Where no source gives a figure there is None. Rates are mL/h, volumes mL,
times minutes. Decision support only: local prescribing information wins.
"""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .history import Infusion, Step
from .regimens import BRIUMVI, OCREVUS_IV, OCREVUS_IV_24W, OCREVUS_SC, Regimen

# The project's own defaults: before the start (assessment, line, wait after the premedication),
# and the raster in which chairs are booked.
BEFORE_MINUTES = 60
CHAIR_RASTER = 15
# Section 4: watch for at least an hour after the end [DC][PDR].
OBSERVE_MINUTES = 60
# Section 3: either bars the short infusion until a prescriber allows it again.
SERIOUS_REACTIONS = ("severe", "life-threatening")


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate in mL/h and for how many minutes; the last of a table runs to the end (None)."""

    ml_per_hour: int
    minutes: int | None


@dataclass(frozen=True, slots=True)
class InfusionOption:
    """One way to give a dose: `option-1` is the usual one, `option-2` the short one."""

    code: Literal["option-1", "option-2"]
    dose_mg: int
    volumes_ml: tuple[int, ...]  # the bag without and with the drug's own volume
    rates: tuple[Rate, ...] | None
    label_minutes: int | None  # the least, or about what, the label says it takes
    observe_minutes: int
    source: str

    @property
    def run_minutes(self) -> tuple[int, ...]:
        """From start to end for each of `volumes_ml`; the label's time where no rates are known."""
        if self.rates:
            return tuple(round(run_minutes(self.rates, volume)) for volume in self.volumes_ml)
        return (self.label_minutes,) if self.label_minutes else ()

    @property
    def longest_run(self) -> int | None:
        """From start to end for the fuller bag; None where it is not known."""
        return max(self.run_minutes, default=None)

    @property
    def chair_minutes(self) -> int | None:
        """How long it takes a chair, for the fuller bag; None where the run is not known."""
        if self.longest_run is None:
            return None
        whole = BEFORE_MINUTES + self.longest_run + self.observe_minutes
        return math.ceil(whole / CHAIR_RASTER) * CHAIR_RASTER


def run_minutes(rates: Sequence[Rate], volume_ml: float) -> float:
    """How many minutes `volume_ml` takes at `rates`, of which the last runs to the end.

    >>> run_minutes([Rate(100, 30), Rate(200, None)], 150)
    60.0
    """
    rate, *later = rates
    needed = volume_ml * 60 / rate.ml_per_hour
    if rate.minutes is None or needed <= rate.minutes:
        return needed
    return rate.minutes + run_minutes(later, volume_ml - rate.ml_per_hour * rate.minutes / 60)


def _ramp(*, start: int, by: int, top: int) -> tuple[Rate, ...]:
    """From `start` up `by` mL/h every 30 minutes, then at `top` to the end."""
    return (*(Rate(speed, 30) for speed in range(start, top, by)), Rate(top, None))


OCREVUS_300 = InfusionOption(
    code="option-1",
    dose_mg=300,
    volumes_ml=(250, 260),
    rates=_ramp(start=30, by=30, top=180),
    label_minutes=150,
    observe_minutes=OBSERVE_MINUTES,
    source="[DC]: 300 mg (10 mL) in 250 mL, 2.5 hours or longer",
)
OCREVUS_600 = InfusionOption(
    code="option-1",
    dose_mg=600,
    volumes_ml=(500, 520),
    rates=_ramp(start=40, by=40, top=200),
    label_minutes=210,
    observe_minutes=OBSERVE_MINUTES,
    source="[DC]: 600 mg (20 mL) in 500 mL, 3.5 hours or longer",
)
OCREVUS_600_SHORT = InfusionOption(
    code="option-2",
    dose_mg=600,
    volumes_ml=(500, 520),
    rates=(Rate(100, 15), Rate(200, 15), Rate(250, 30), Rate(300, None)),
    label_minutes=120,
    observe_minutes=OBSERVE_MINUTES,
    source="[CHC]: 600 mg in 500 mL, about 2 hours; [TM][CHC]: only without a serious reaction",
)
ZUNOVO_FIRST = InfusionOption(
    code="option-1",
    dose_mg=920,
    volumes_ml=(),
    rates=None,
    label_minutes=10,
    observe_minutes=60,
    source="[SCL]: about 10 minutes under the skin; [MMT]: watch for an hour the first time",
)
ZUNOVO_LATER = InfusionOption(
    code="option-1",
    dose_mg=920,
    volumes_ml=(),
    rates=None,
    label_minutes=10,
    observe_minutes=15,
    source="[SCL]: about 10 minutes under the skin; [MMT]: watch for 15 minutes later on",
)
BRIUMVI_150 = InfusionOption(
    code="option-1",
    dose_mg=150,
    volumes_ml=(),
    rates=None,
    label_minutes=240,
    observe_minutes=OBSERVE_MINUTES,
    source="[DCU]: 150 mg in 4 hours",
)
BRIUMVI_450 = InfusionOption(
    code="option-1",
    dose_mg=450,
    volumes_ml=(),
    rates=None,
    label_minutes=None,
    observe_minutes=OBSERVE_MINUTES,
    source="[DCU]: 450 mg; the project's rules have no time or rate for it",
)

OCREVUS_STEPS: dict[Step, tuple[InfusionOption, ...]] = {
    "initial-1": (OCREVUS_300,),
    "initial-2": (OCREVUS_300,),
    "maintenance": (OCREVUS_600, OCREVUS_600_SHORT),
}
TABLES: dict[Regimen, dict[Step, tuple[InfusionOption, ...]]] = {
    OCREVUS_IV: OCREVUS_STEPS,
    OCREVUS_IV_24W: OCREVUS_STEPS,
    OCREVUS_SC: {"initial-1": (ZUNOVO_FIRST,), "maintenance": (ZUNOVO_LATER,)},
    BRIUMVI: {
        "initial-1": (BRIUMVI_150,),
        "initial-2": (BRIUMVI_450,),
        "maintenance": (BRIUMVI_450,),
    },
}


def options(
    regimen: Regimen,
    step: Step,
    *,
    given: Sequence[Infusion] = (),
    before: Sequence[Infusion] = (),
    reenabled_on: dt.date | None = None,
) -> tuple[InfusionOption, ...]:
    """The ways to give the dose at `step`, the usual one first.

    `given` are the infusions under `regimen`, `before` those under an earlier one (A13). The
    short option is there for maintenance only, and not while a serious reaction bars it.
    The first injection is watched as a first dose, whatever came before it.
    """
    at = "initial-1" if regimen.route == "sc" and not given else step
    found = TABLES[regimen][at]
    barred = barred_by([*before, *given], reenabled_on)
    return tuple(one for one in found if one.code != "option-2" or barred is None)


def barred_by(given: Sequence[Infusion], reenabled_on: dt.date | None = None) -> Infusion | None:
    """The latest infusion of `given` whose serious reaction bars the short option; None if none.

    A prescriber's word on `reenabled_on`, a local date, covers reactions up to the day before:
    one can start up to 24 hours after an infusion (R12).
    """
    serious = [one for one in given if one.reaction in SERIOUS_REACTIONS]
    latest = max(serious, key=lambda one: one.given_on, default=None)
    if latest and reenabled_on and latest.given_on < reenabled_on:
        return None
    return latest
