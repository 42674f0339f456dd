"""Public holidays by country and state, with English names, from the `holidays` package.

The package takes a while to load, so only a page that asks for a holiday loads it.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice

ENGLISH = "en_US"
SMALL_WORDS = {"and", "of", "the"}
# Where the package's own name does not read well.
NAMES = {"CD": "DR Congo", "HK": "Hong Kong"}
YEARS_AHEAD = 3  # as far as `coming` looks


@lru_cache
def countries() -> Mapping[str, str]:
    """The countries with a calendar: name by ISO code, in the order of the names."""
    from holidays.registry import COUNTRIES  # noqa: PLC0415 - see the module

    named = {codes[1]: NAMES.get(codes[1]) or _in_words(key) for key, codes in COUNTRIES.items()}
    return dict(sorted(named.items(), key=lambda one: one[1]))


def _in_words(key: str) -> str:
    """The package's key for a country as a name: "Isle of Man"."""
    return " ".join(word if word in SMALL_WORDS else word.capitalize() for word in key.split("_"))


@lru_cache(maxsize=32)
def subdivisions(country: str) -> Mapping[str, str]:
    """The states or regions of `country` that have holidays of their own.

    Code by code and by each of the names, all in lower case: both "ny" and "new york" are "NY".
    """
    if country not in countries():
        return {}
    from holidays import country_holidays  # noqa: PLC0415 - see the module

    aliases = country_holidays(country).get_subdivision_aliases()
    return {name.casefold(): code for code, names in aliases.items() for name in (*names, code)}


def is_known(country: str, subdivision: str) -> bool:
    """Whether there is a calendar for this place. No country at all is a choice, so known."""
    if not country:
        return not subdivision
    known = country in countries()
    return known and (not subdivision or subdivision in subdivisions(country).values())


@lru_cache(maxsize=256)
def holidays_of(country: str, subdivision: str, year: int) -> Mapping[dt.date, str]:
    """The days off in `year`, observed ones too; none where the place is unknown."""
    if not country or not is_known(country, subdivision):
        return {}
    from holidays import country_holidays  # noqa: PLC0415 - see the module

    return dict(country_holidays(country, subdiv=subdivision or None, years=year, language=ENGLISH))


def coming(
    country: str, subdivision: str, *, today: dt.date, count: int
) -> list[tuple[dt.date, str]]:
    """The next `count` holidays from `today` on, in order."""
    return list(islice(_from(country, subdivision, today), count))


def _from(country: str, subdivision: str, today: dt.date) -> Iterator[tuple[dt.date, str]]:
    for year in range(today.year, today.year + YEARS_AHEAD):
        for day, name in sorted(holidays_of(country, subdivision, year).items()):
            if day >= today:
                yield day, name
