"""Short words for the engine's tests: a course as the doses and the day it is seen on."""

import datetime as dt

from schedules.engine.forecast import forecast
from schedules.engine.history import Hold, Infusion, Restart
from schedules.engine.regimens import OCREVUS_IV


def day(text):
    return dt.date.fromisoformat(text)


def dose(text, **more):
    """`dose("2026-03-10 300")`: 300 mg on 10 March 2026."""
    given_on, amount = text.split()
    return Infusion(day(given_on), int(amount), **more)


def seen_on(today, *doses, regimen=OCREVUS_IV, **more):
    """The forecast on `today` after `doses`, each as for `dose` or an Infusion."""
    history = [dose(one) if isinstance(one, str) else one for one in doses]
    return forecast(regimen, today=day(today), history=history, **more)


def dates(*texts):
    return tuple(day(text) for text in texts)


def hold(start, end, reason="infection"):
    return Hold(day(start), end and day(end), reason)


def restart(on, choice):
    return Restart(day(on), choice)
