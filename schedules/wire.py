"""The forecast's JSON, translated: a line into the engine's terms, its answer into a line.

The engine knows no JSON and trusts its types; everything a stranger may have mistyped is caught
here. Each refusal names the field, the value and the fix.
"""

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn, TypeVar, get_args

from .engine.forecast import Forecast, HistoryError, NextDose, forecast
from .engine.history import Choice, Disposition, Hold, Infusion, Outcome, Reaction, Restart
from .engine.regimens import REGIMENS, Regimen, current_regimen

# A life of infusions fits into a few kilobytes; more is a mistake, and must not fill the memory.
LONGEST_LINE = 1_000_000
DEFAULT_REGIMEN = "ocrevus-iv"
FIRST_YEAR, LAST_YEAR = 1900, 2200
MOST_MG = 9_999  # ten times any dose; a larger number is a slip of the finger
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
LONGEST_QUOTE = 40
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
DISPOSITIONS: tuple[Disposition, ...] = get_args(Disposition)
REACTIONS: tuple[Reaction, ...] = get_args(Reaction)
CHOICES: tuple[Choice, ...] = get_args(Choice)

Answer = dict[str, object]
T = TypeVar("T")


class WireError(ValueError):
    """A line that cannot be answered; the message names the field, the value and the fix."""


def answer(line: bytes) -> Answer:
    """The forecast for one line of JSON, or `{"id": …, "error": …}` when there is none.

    Dates are ISO strings; the keys stand in the order of the format's description.
    """
    ident: object = None
    try:
        fields = Fields("", _object(_parsed(line), "the line"))
        ident = _ident(fields.members.get("id"))
        return {"id": ident, **_written(_forecast(fields))}
    except WireError as error:
        return {"id": ident, "error": str(error)}


# --- From JSON ------------------------------------------------------------------------------


def _parsed(line: bytes) -> object:
    """What the line says, if it is JSON as the standard has it: no NaN, no Infinity."""
    if len(line) > LONGEST_LINE:
        raise WireError(f"the line is longer than {LONGEST_LINE} bytes; send one course per line")
    try:
        return json.loads(line.decode("utf-8-sig"), parse_constant=_no_number, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise WireError(
            f"the line is not UTF-8 (byte {error.start + 1}); save the file as UTF-8"
        ) from None
    except RecursionError:
        raise WireError("the line is nested too deeply; send one flat object per line") from None
    except json.JSONDecodeError as error:
        raise WireError(
            f"the line is not JSON: {error.msg} at character {error.colno}; "
            "send one JSON object per line"
        ) from None
    except WireError:
        raise
    except ValueError:  # Python refuses whole numbers of more than 4,300 digits
        raise WireError("the line holds a number that is too long; check its numbers") from None


def _no_number(name: str) -> NoReturn:
    raise WireError(f"{name} is not a number in JSON; use null or a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise WireError(f"{text[:LONGEST_QUOTE]} is too large a number; check it")
    return number


def _ident(value: object) -> object:
    """The id to echo: text or a number, null if there is none."""
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    raise WireError(f"id: {_quoted(value)} cannot be an id; use text or a number")


def _object(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise WireError(f"{name}: must be an object in braces, not {_quoted(value)}")
    return value


def _quoted(value: object) -> str:
    """A value as an error names it: short, on one line, and never a whole document."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value)
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object and its place in the line, so that an error can say where it is.

    An optional field may be absent or null; both mean the default.
    """

    place: str
    members: Mapping[str, object]

    def _name(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def required(self, key: str, read: Callable[[str, object], T], example: str) -> T:
        """The field read by `read`; refused when absent or null."""
        value = self.members.get(key)
        if value is None:
            raise WireError(f"{self._name(key)}: is missing; give {example}")
        return read(self._name(key), value)

    def optional(self, key: str, read: Callable[[str, object], T], default: T) -> T:
        """The field read by `read`, or `default`."""
        value = self.members.get(key)
        return default if value is None else read(self._name(key), value)

    def day(self, key: str) -> dt.date:
        return self.required(key, _day, "a date such as 2026-11-22")

    def day_or_none(self, key: str) -> dt.date | None:
        return self.optional(key, _day, None)

    def word(self, key: str, known: tuple[T, ...]) -> T | None:
        return self.optional(key, lambda name, value: _word(name, value, known), None)

    def objects(self, key: str) -> list["Fields"]:
        """The objects of a list; none when it is absent or null."""
        return self.optional(key, _list, None) or []


def _day(name: str, value: object) -> dt.date:
    if not isinstance(value, str) or not ISO_DATE.fullmatch(value):
        raise WireError(f"{name}: {_quoted(value)} is not a date; write it as YYYY-MM-DD in quotes")
    if not FIRST_YEAR <= int(value[:4]) <= LAST_YEAR:
        raise WireError(f"{name}: {value} is outside {FIRST_YEAR} to {LAST_YEAR}; check the year")
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise WireError(
            f"{name}: {value} is not in the calendar; check the day and the month"
        ) from None


def _mg(name: str, value: object) -> int:
    # True is an int to Python, and 600.0 may be 599.9 rounded by whoever wrote it.
    if type(value) is not int or not 0 < value <= MOST_MG:
        raise WireError(
            f"{name}: {_quoted(value)} is not a dose; "
            f"write whole milligrams from 1 to {MOST_MG}, without quotes"
        )
    return value


def _yes_no(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise WireError(f"{name}: {_quoted(value)} is neither yes nor no; write true or false")
    return value


def _word(name: str, value: object, known: tuple[T, ...]) -> T:
    """The one of the words in `known` that `value` is."""
    for word in known:
        if value == word:
            return word
    raise WireError(f"{name}: {_quoted(value)} is not known; use {' or '.join(map(str, known))}")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise WireError(f"{name}: {_quoted(value)} is not text; write it in quotes")
    return value


def _list(name: str, value: object) -> list[Fields]:
    if not isinstance(value, list):
        raise WireError(f"{name}: must be a list in brackets, not {_quoted(value)}")
    places = [f"{name}[{index}]" for index in range(len(value))]
    return [Fields(at, _object(one, at)) for at, one in zip(places, value, strict=True)]


# --- Into the engine's terms ----------------------------------------------------------------


def _forecast(fields: Fields) -> Forecast:
    """The engine's answer to the course that `fields` describe.

    Raises:
        WireError: a field cannot be read, or the history cannot be true.
    """
    today = fields.day("today")
    regimen = _regimen(fields)
    history = [_infusion(one) for one in fields.required("history", _list, "a list, [] if empty")]
    try:
        return forecast(
            regimen,
            today=today,
            history=history,
            ordered_for=fields.day_or_none("ordered_for"),
            holds=[_hold(one) for one in fields.objects("holds")],
            restarts=[_restart(one, today) for one in fields.objects("restarts")],
            stopped_on=fields.day_or_none("stopped_on"),
        )
    except HistoryError as error:
        raise WireError(f"history: {error}; correct the history and send it again") from None


def _regimen(fields: Fields) -> Regimen:
    known = tuple(sorted({code for code, _ in REGIMENS}))
    return current_regimen(fields.word("regimen", known) or DEFAULT_REGIMEN)


def _infusion(fields: Fields) -> Infusion:
    outcome = fields.word("outcome", OUTCOMES) or "completed"
    disposition = fields.word("disposition", DISPOSITIONS)
    if disposition and outcome != "partial":
        raise WireError(
            f'{fields.place}.disposition: "{disposition}" is for a partial infusion only; '
            'leave it out or set outcome to "partial"'
        )
    return Infusion(
        given_on=fields.day("given_on"),
        dose_mg=fields.required("dose_mg", _mg, "the milligrams that were given"),
        outcome=outcome,
        disposition=disposition,
        remainder=fields.optional("remainder", _yes_no, default=False),
        ordinal_known=fields.word("ordinal", ("unknown",)) is None,
        reaction=fields.word("reaction", REACTIONS),
    )


def _hold(fields: Fields) -> Hold:
    start, end = fields.day("from"), fields.day_or_none("to")
    if end is not None and end < start:
        raise WireError(
            f"{fields.place}.to: {end} is before the hold starts ({start}); swap or correct them"
        )
    return Hold(start, end, fields.optional("reason", _text, ""))


def _restart(fields: Fields, today: dt.date) -> Restart:
    on = fields.day("on")
    if on > today:
        raise WireError(
            f"{fields.place}.on: {on} is after today ({today}); "
            "send the choice once it has been made"
        )
    return Restart(on, fields.required("choice", _choice, '"single" or "split"'))


def _choice(name: str, value: object) -> Choice:
    return _word(name, value, CHOICES)


# --- Back into JSON -------------------------------------------------------------------------


def _written(result: Forecast) -> Answer:
    return {
        "next": _next(result.next) if result.next else None,
        "state": result.state,
        "days_past_due": result.days_past_due,
        "projected": [day.isoformat() for day in result.projected],
        "provisional": result.provisional,
        "flags": list(result.flags),
        "reasons": [str(reason) for reason in result.reasons],
    }


def _next(dose: NextDose) -> Answer:
    window = (dose.window_start, dose.window_end)
    opens, closes = (day.isoformat() if day else None for day in window)
    return {
        "step": dose.step,
        "dose_mg": dose.dose_mg,
        "earliest": dose.earliest.isoformat(),
        "due": dose.due.isoformat(),
        "window_start": opens,
        "window_end": closes,
    }
