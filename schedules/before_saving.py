"""What a page says before an infusion or a visit is saved: what follows, and what to ask first.

Nothing here refuses; the verbs in `schedules.actions` do that.
"""

import datetime as dt
from collections.abc import Iterator

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from schedules.engine import history as given
from schedules.engine.cautions import cautions
from schedules.engine.forecast import Forecast
from schedules.models import Course, Infusion


def planned_mg(course: Course, today: dt.date) -> int:
    """The dose in mg that the plan has for the next infusion."""
    return course.regimen.dose_mg(course.position(today).step)


def lot_of_the_day(course: Course, today: dt.date) -> str:
    """The lot that anybody at this clinic recorded last today for the same plan; else empty."""
    recorded = Infusion.objects.counting().filter(
        course__patient__clinic=course.patient.clinic,
        course__regimen_code=course.regimen_code,
        recorded_on=today,
    )
    newest = recorded.exclude(lot="").order_by("-recorded_at", "-pk").first()
    return newest.lot if newest else ""


def forecast_with(course: Course, infusion: given.Infusion, today: dt.date) -> Forecast | None:
    """What would follow if `infusion` were recorded; None where one has that date already."""
    if infusion.given_on in {one.given_on for one in course.history(today)}:
        return None
    return course.forecast(today, and_also=[infusion])


def infusion_questions(
    course: Course, infusion: given.Infusion, today: dt.date
) -> list[tuple[str, str]]:
    """What to ask about `infusion`, as (code, sentence), most serious first."""
    history = course.history(today)
    raised = cautions(course.regimen, history, given_on=infusion.given_on, dose_mg=infusion.dose_mg)
    before = [one for one in history if one.given_on < infusion.given_on]
    position = given.replay(course.regimen, before, course.choices, course.start(today))
    planned = course.regimen.dose_mg(position.step)
    partial = infusion.outcome == "partial"
    asked = [
        (one.code, str(one))
        for one in raised
        # Less than planned is what "stopped early" means; asking again helps nobody.
        if not (one.code == "another_dose" and partial and infusion.dose_mg < planned)
    ]
    if partial and infusion.dose_mg == planned:
        told = _("You chose “Stopped early” with the full {mg} mg. Is the amount right?")
        asked.append(("full_but_partial", told.format(mg=planned)))
    return asked


def visit_questions(found: Forecast, day: dt.date) -> Iterator[str]:
    """What to ask about a visit on `day`, a local date, that is outside the window."""
    dose = found.next
    if dose and dose.window_start and dose.window_end:
        # Before the earliest day there is nothing to ask: it is refused, or has its reason.
        if dose.earliest <= day < dose.window_start:
            days = (dose.due - day).days
            early = ngettext(
                "This is {n} day before the due date, {due}. Most visits are from {first} on.",
                "This is {n} days before the due date, {due}. Most visits are from {first} on.",
                days,
            )
            yield early.format(n=days, due=_date(dose.due), first=_date(dose.window_start))
        if day > dose.window_end:
            days = (day - dose.due).days
            late = ngettext(
                "This is {n} day after the due date, {due}. Most visits are by {last}.",
                "This is {n} days after the due date, {due}. Most visits are by {last}.",
                days,
            )
            yield late.format(n=days, due=_date(dose.due), last=_date(dose.window_end))


def _date(day: dt.date) -> str:
    return date_format(day, "F j, Y")
