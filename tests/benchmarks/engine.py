"""One forecast against the bare month additions that its rules ask for."""

import datetime as dt
import random

from dateutil.relativedelta import relativedelta

from schedules.engine.forecast import Infusion, forecast
from schedules.engine.regimens import OCREVUS_IV

from .side_by_side import Figure, ratios, seconds

DOSES = 20
SIX, FIVE, TWELVE = (relativedelta(months=count) for count in (6, 5, 12))


def history(seed: int = 2026) -> list[Infusion]:
    """Twenty infusions, most of them some days early or late, in the order they were entered."""
    dice = random.Random(seed)
    first = dt.date(2015, 8, 31)
    given = [Infusion(first, 300), Infusion(first + dt.timedelta(days=14), 300)]
    while len(given) < DOSES:
        given.append(
            Infusion(given[-1].given_on + SIX + dt.timedelta(days=dice.randint(-9, 20)), 600)
        )
    return given


def bare_additions(doses: list[Infusion]) -> None:
    """What R3 to R9 need for these dates, and nothing else.

    Each maintenance dose has a nominal date (R5) and a least one (R6); the next dose has both,
    and the day it lapses (R8); two more dates are projected (R9).
    """
    for dose in doses[2:]:
        dose.given_on + SIX
        dose.given_on + FIVE
    last = doses[-1].given_on
    for span in (SIX, FIVE, TWELVE, SIX, TWELVE):
        last + span


def figures(*, rounds: int, times: int) -> list[Figure]:
    doses = history()
    today = doses[-1].given_on + dt.timedelta(days=100)

    def ours() -> float:
        return seconds(lambda: forecast(OCREVUS_IV, today=today, history=doses), times=times)

    def floor() -> float:
        return seconds(lambda: bare_additions(doses), times=times)

    name = f"forecast of {DOSES} infusions / its month additions with relativedelta"
    return [Figure(name, ratios(ours, floor, rounds=rounds), at_most=3)]
