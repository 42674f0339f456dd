"""What a hold or a pause leads to, in words for staff. Every date comes from the engine."""

import datetime as dt
from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from schedules.engine import history as engine
from schedules.engine.forecast import Forecast, NextDose
from schedules.models import Course, Hold

from .shapes import date_words


def hold_effect(
    course: Course, this: engine.Hold, others: Sequence[engine.Hold], today: dt.date
) -> list[str]:
    """The dates of `course` with `this` hold beside the `others`, as sentences (R10).

    Seen on the hold's first day, or on `today` where it has begun.
    """
    if this.end and this.end <= today:
        return [_("It is over and moves no date.")]
    day = max(today, this.start)
    found = course.forecast(day, held=[*others, this])
    dose = found.next
    if dose is None:
        return [_("No due date is planned yet."), _no_visit(this, today)]
    stays = _("The due date stays {date}.").format(date=date_words(dose.due))
    if today < this.start and dose.due < this.start:
        return [stays, _("It begins after that. A visit before it begins is as before.")]
    held = [one for one in (*others, this) if _in_force(one, day)]
    if forever := next((one for one in held if one.end is None), None):
        return [stays, _no_visit(forever, today)]
    return [stays, *_planned(found, dose, max(one.end for one in held if one.end))]


def _in_force(hold: engine.Hold, day: dt.date) -> bool:
    return hold.start <= day and (hold.end is None or day < hold.end)


def hold_words(hold: Hold, today: dt.date) -> str:
    """Its tag: "On hold: Infection", "On pause: Pregnancy", and from when if it is ahead."""
    word = _("On pause: {reason}") if hold.is_pause else _("On hold: {reason}")
    if today < hold.starts_on:
        word = (
            _("On pause from {date}: {reason}")
            if hold.is_pause
            else _("On hold from {date}: {reason}")
        )
    return word.format(reason=hold.get_reason_display(), date=date_words(hold.starts_on))


def _planned(found: Forecast, dose: NextDose, until: dt.date) -> list[str]:
    """What can be booked from `until`, the first day allowed again: at the due date, or later."""
    if not found.projected:
        lapsed = _(
            "On {date} the last infusion is too long ago: "
            "the prescriber then chooses how to start again."
        )
        return [lapsed.format(date=date_words(dose.lapses_on or until))]
    planned, after = found.projected[:2]
    if planned <= dose.due:
        first = date_words(max(dose.earliest, until))
        return [_("The first day for a visit is {date}.").format(date=first)]
    days = (planned - dose.due).days
    late = ngettext(
        "The next infusion is then planned for {date}, {n} day after the due date.",
        "The next infusion is then planned for {date}, {n} days after the due date.",
        days,
    )
    then = _("The one after it is around {date}.")
    return [
        late.format(date=date_words(planned), n=days),
        then.format(date=date_words(after)),
    ]


def _no_visit(this: engine.Hold, today: dt.date) -> str:
    if this.end:
        return _("No visit can be booked before {date}.").format(date=date_words(this.end))
    if this.start <= today:
        return _("No visit can be booked until it is released.")
    told = _("No visit can be booked from {date} until it is released.")
    return told.format(date=date_words(this.start))
