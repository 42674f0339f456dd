"""What a correction changed, and what it moves, in words for staff."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from schedules.models import Correction, Disposition, Outcome, Rate, Reaction

if TYPE_CHECKING:
    from schedules.actions import Corrected

LABELS = {
    "given_on": gettext_lazy("Date given"),
    "dose_mg": gettext_lazy("Dose"),
    "outcome": gettext_lazy("How it went"),
    "disposition": gettext_lazy("What counts next"),
    "remainder": gettext_lazy("Rest of an infusion before"),
    "lot": gettext_lazy("Lot"),
    "reaction": gettext_lazy("Reaction"),
    "reaction_response": gettext_lazy("What was done"),
    "note": gettext_lazy("Note"),
    "premedication": gettext_lazy("Medicines given before"),
    "started_at": gettext_lazy("Started at"),
    "ended_at": gettext_lazy("Ended at"),
    "observed_until": gettext_lazy("Watched until"),
    "rate": gettext_lazy("Rate"),
    "day_known": gettext_lazy("The day is known"),
    "ordinal_known": gettext_lazy("Which dose it was is known"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a record, before and after, in words."""

    label: str
    before: str
    after: str


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """The fields in `after`, in the order of the page. Values as in the model or as in JSON."""
    return [
        Change(str(label), _said(name, before[name]), _said(name, after[name]))
        for name, label in LABELS.items()
        if name in after
    ]


def is_void(correction: Correction) -> bool:
    """Whether it marked the record as a mistake and changed nothing in it."""
    return "voided" in correction.after


def effects(corrected: "Corrected") -> list[str]:
    """All that it moves: the next date first, then what `turns` says."""
    return [_about_the_date(corrected), *turns(corrected)]


def turns(corrected: "Corrected") -> list[str]:
    """What it does to the course and to the visits."""
    said = []
    if corrected.ended:
        said.append(_("Treatment stops for good because of the life-threatening reaction."))
    if corrected.resumed:
        said.append(_("Treatment goes on: it had stopped because of this reaction."))
    for words, visits in (
        (_("The visit on {date} is booked again."), corrected.reopened),
        (_("The visit on {date} is cancelled."), corrected.cancelled),
    ):
        said += [words.format(date=_date(visit.local_date)) for visit in visits]
    return said


def _about_the_date(corrected: "Corrected") -> str:
    old, new = corrected.before.due_on, corrected.after.due_on
    if old == new:
        return _("The next due date stays as it is.")
    if old and new:
        told = _("Next due changes from {old} to {new}.")
        return told.format(old=_date(old), new=_date(new))
    if new:
        return _("Next due will be {new}.").format(new=_date(new))
    assert old  # noqa: S101 - they differ and there is no new one
    return _("Next due was {old}. There will be no next date for now.").format(old=_date(old))


def _said(name: str, value: Any) -> str:  # noqa: ANN401 - any field's value
    """A field's value in words; "None" for an empty one."""
    if value is None or value == "":
        return _("None")
    return _SAID.get(name, str)(value)


def _date(value: dt.date | str) -> str:
    day = dt.date.fromisoformat(value) if isinstance(value, str) else value
    return date_format(day, "F j, Y")


def _time(value: dt.time | str) -> str:
    time = dt.time.fromisoformat(value) if isinstance(value, str) else value
    return date_format(dt.datetime.combine(dt.date.min, time), "g:i a")


def _one_of(choices: type) -> Callable[[Any], str]:
    return lambda value: str(choices(value).label)


def _yes_or_no(value: object) -> str:
    return _("Yes") if value else _("No")


_SAID: dict[str, Callable[[Any], str]] = {
    "given_on": _date,
    "dose_mg": lambda mg: _("{mg} mg").format(mg=mg),
    "outcome": _one_of(Outcome),
    "disposition": _one_of(Disposition),
    "reaction": _one_of(Reaction),
    "rate": _one_of(Rate),
    **dict.fromkeys(("started_at", "ended_at", "observed_until"), _time),
    **dict.fromkeys(("remainder", "day_known", "ordinal_known"), _yes_or_no),
}
