"""From what people type to a date or a dose. Knows no form and no clock."""

import datetime as dt
import re
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.dates import MONTHS
from django.utils.translation import gettext, override

Boxes = list[str | None]

LONGEST_BOX = 30  # characters; "September" has 9
FIRST_YEAR, LAST_YEAR = 1900, 2100
# A phone that takes dictation adds these around what was said.
STRAY = " .,;:\u00a0\t"


def wrong(message: str, subject: object, boxes: Iterable[int]) -> ValidationError:
    """An error that knows which boxes it is about, counted from 0."""
    return ValidationError(
        message.format(subject=subject), code="invalid", params={"boxes": tuple(boxes)}
    )


def read_day(boxes: Boxes, *, subject: str, first_box: int = 0) -> dt.date:
    """The date in three typed boxes: month (number or name), day, year (4 digits).

    Raises:
        ValidationError: one sentence about the first thing to put right.
    """
    texts = [(box or "").strip(STRAY) for box in boxes]
    _refuse_missing(texts, subject=subject, first_box=first_box)
    month, day, year = _month(texts[0]), _whole(texts[1], 1, 31), _year(texts[2])
    complaints = {
        0: month is None and gettext("Month must be a real month, like 3 or March"),
        1: day is None and gettext("Day must be a number from 1 to 31"),
        2: year is None and gettext("Year must have 4 numbers, like 2026"),
    }
    bad = {box: complaint for box, complaint in complaints.items() if complaint}
    if bad:
        raise wrong(bad[min(bad)], subject, [first_box + box for box in bad])
    try:
        return dt.date(year or 0, month or 0, day or 0)
    except ValueError:
        all_boxes = range(first_box, first_box + 3)
        raise wrong(gettext("{subject} must be a real date"), subject, all_boxes) from None


def read_mg(typed: str | None, *, most_mg: int, box: int) -> int:
    """A whole number of mg, like 450, "450 mg" or "1,000".

    Raises:
        ValidationError: nothing was typed, it is no whole number, or it is not 1 to `most_mg`.
    """
    text = re.sub(r"\s*mg$", "", (typed or "").strip(STRAY), flags=re.IGNORECASE)
    if re.fullmatch(r"\d{1,3}(,\d{3})+", text):
        text = text.replace(",", "")
    if not text:
        raise wrong(gettext("Enter how much was given, in mg"), "", [box])
    if not text.isdecimal():
        raise wrong(gettext("The amount must be a whole number of mg, like 450"), "", [box])
    amount = _whole(text, 1, most_mg)
    if amount is None:
        message = gettext("The amount must be from 1 to {most} mg").replace("{most}", str(most_mg))
        raise wrong(message, "", [box])
    return amount


def _refuse_missing(texts: list[str], *, subject: str, first_box: int) -> None:
    names = [gettext("a month"), gettext("a day"), gettext("a year")]
    missing = [box for box, text in enumerate(texts) if not text]
    if missing:
        parts = gettext(" and ").join(names[box] for box in missing)
        message = gettext("{subject} must include {parts}").replace("{parts}", parts)
        raise wrong(message, subject, [first_box + box for box in missing])


def _whole(text: str, least: int, most: int) -> int | None:
    if len(text) > LONGEST_BOX or not text.isdecimal():
        return None
    return int(text) if least <= int(text) <= most else None


def _year(text: str) -> int | None:
    return _whole(text, FIRST_YEAR, LAST_YEAR) if len(text) == len("2026") else None


def _month(text: str) -> int | None:
    """A month's number from 1-12, or from its name or at least 3 letters of it."""
    if (number := _whole(text, 1, 12)) is not None:
        return number
    start = text.lower()
    if not len("mar") <= len(start) <= LONGEST_BOX:
        return None
    return next((number for number, name in _month_names() if name.startswith(start)), None)


def _month_names() -> list[tuple[int, str]]:
    """In the reader's language and in English."""
    here = [(number, str(name).lower()) for number, name in MONTHS.items()]
    with override("en"):
        return here + [(number, str(name).lower()) for number, name in MONTHS.items()]
