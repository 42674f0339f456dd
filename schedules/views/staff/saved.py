"""What is said after an infusion was saved: what follows from it."""

import datetime as dt

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from schedules.actions import Recorded
from schedules.engine.forecast import Forecast
from schedules.models import Appointment, Disposition, Outcome, Patient, Reaction


def recorded_words(patient: Patient, recorded: Recorded) -> list[str]:
    """The sentences about an infusion just recorded."""
    infusion, found = recorded.infusion, recorded.forecast
    if infusion.outcome == Outcome.NOT_DONE:
        return _not_given(patient, found)
    if infusion.reaction == Reaction.LIFE_THREATENING:
        return _ended(len(recorded.cancelled))
    said = [saved_words(patient, found)]
    if infusion.disposition == Disposition.COMPLETE_REMAINDER:
        said.append(_("The rest of this infusion is still to be given and recorded."))
    return said + [_cancelled(visit) for visit in recorded.cancelled]


def saved_words(patient: Patient, forecast: Forecast) -> str:
    """Saved, and when the next one is due, if that is known."""
    if forecast.state == "discontinued":
        return _("Saved. Infusions are stopped, so nothing is due.")
    if forecast.next is None:
        return _("Saved. The prescriber decides what comes next.")
    words = _("Saved. {first_name}'s next infusion is due around {date}.")
    return words.format(first_name=patient.given_name, date=date_words(forecast.next.due))


def stays_words(visit: Appointment) -> str:
    """That history from elsewhere left a booked visit as it is."""
    words = _("The visit on {date} stays booked: check that it still fits.")
    return words.format(date=date_words(visit.local_date))


def date_words(day: dt.date) -> str:
    """As in "March 10, 2026"."""
    return date_format(day, "F j, Y")


def _not_given(patient: Patient, found: Forecast) -> list[str]:
    said = [_("Saved: not given.")]
    if found.next:
        told = _("{first_name}'s infusion is still due around {date}.")
        said.append(told.format(first_name=patient.given_name, date=date_words(found.next.due)))
    return [*said, _("Book another visit, or put infusions on hold.")]


def _ended(visits: int) -> list[str]:
    cancelled = ngettext("{n} visit is cancelled.", "{n} visits are cancelled.", visits)
    return [
        _("Saved. Treatment has stopped for good because of the life-threatening reaction."),
        *([cancelled.format(n=visits)] if visits else []),
        _("No reminder is sent any more."),
    ]


def _cancelled(visit: Appointment) -> str:
    words = _("The visit on {date} was for this infusion and is cancelled.")
    return words.format(date=date_words(visit.local_date))
