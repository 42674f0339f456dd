"""What a page says before an infusion or a visit is saved: what follows, and what to ask first.

Nothing here refuses; the verbs in `schedules.actions` do that.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from schedules.engine import cautions as engine
from schedules.engine import history as given
from schedules.engine.dates import months
from schedules.engine.explain import Reason
from schedules.engine.forecast import Forecast
from schedules.models import ClinicRules, Course, HoldReason, Infusion
from schedules.plans import treatment_before
from schedules.readiness import standings, starts_anew


def planned_mg(course: Course, day: dt.date, *, rest: bool = False) -> int:
    """The dose in mg that the plan has for `day`: a whole one, or the rest of one begun."""
    return engine.planned_mg(
        course.regimen,
        course.history(day),
        given_on=day,
        remainder=rest,
        restarts=course.choices,
        start=course.start(day),
    )


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
    """What would follow if `infusion` were recorded; None where it does not fit the others."""
    try:
        return course.forecast(today, and_also=[infusion])
    except given.HistoryError:
        return None


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask before an infusion is saved, and which answer would be wrong if it is not right.

    `about` is "date", "dose", "reaction", or empty where the patient's record is meant.
    """

    code: str
    words: str
    about: str = ""


ABOUT = {"too_soon": "date", "long_gap": "date", "another_dose": "dose"}
# What is worth saying, but no reason to stop anybody (ux 2.11).
NOTES = {"second_part_off"}


def infusion_questions(
    course: Course, infusion: given.Infusion, today: dt.date, visits: int = 0
) -> list[Question]:
    """What to ask about `infusion`, most serious first; `visits` are booked from now on."""
    then = course.at(infusion.given_on)
    return [
        *_life_threatening(infusion, visits),
        *_unusual(then, infusion, today),
        *_next_too_soon(then, infusion, today),
        *_on_hold(then, infusion.given_on),
        *_hepatitis_b(course, infusion.given_on, today),
    ]


def infusion_notes(course: Course, infusion: given.Infusion, today: dt.date) -> list[str]:
    """What to say about `infusion` without stopping anybody."""
    raised = _cautions(course.at(infusion.given_on), infusion, today)
    words = _("Visit 2 is {days} days after visit 1. The plan is about {planned}.")
    return [words.format(**dict(one.facts)) for one in raised if one.code in NOTES]


def _cautions(
    course: Course, infusion: given.Infusion, today: dt.date, *, also: Sequence[given.Infusion] = ()
) -> tuple[Reason, ...]:
    """What the engine finds unusual about `infusion`, given the others and those in `also`."""
    rules = ClinicRules.of(course.patient.clinic)
    return engine.cautions(
        course.regimen,
        [*course.history(today), *also],
        given_on=infusion.given_on,
        dose_mg=infusion.dose_mg,
        remainder=infusion.remainder,
        long_gap=months(rules.long_gap_months),
        restarts=course.choices,
        start=course.start(today),
    )


def _life_threatening(infusion: given.Infusion, visits: int) -> Iterator[Question]:
    """R12: what it sets off is said before it happens."""
    if infusion.reaction != "life-threatening":
        return
    told = [_("You chose a life-threatening reaction. Treatment stops for good.")]
    cancelled = ngettext(
        "{n} visit and all reminders are cancelled.",
        "{n} visits and all reminders are cancelled.",
        visits,
    )
    told.append(cancelled.format(n=visits) if visits else _("All reminders are cancelled."))
    yield Question("life_threatening", " ".join([*told, _("Is this right?")]), "reaction")


def _unusual(course: Course, infusion: given.Infusion, today: dt.date) -> Iterator[Question]:
    """What the engine asks. Less than planned is what "stopped early" means: no need to ask."""
    planned = planned_mg(course, infusion.given_on, rest=infusion.remainder)
    partial = infusion.outcome == "partial"
    for one in _cautions(course, infusion, today):
        less = one.code == "another_dose" and partial and infusion.dose_mg < planned
        if one.code not in NOTES and not less:
            yield Question(one.code, str(one), ABOUT[one.code])
    if partial and infusion.dose_mg == planned:
        told = _("You chose “Stopped early” with the full {mg} mg. Is the amount right?")
        yield Question("full_but_partial", told.format(mg=planned), "dose")


def _next_too_soon(course: Course, infusion: given.Infusion, today: dt.date) -> Iterator[Question]:
    """R14: one entered late may show that the one after it came before its minimum."""
    later = [one for one in course.history(today) if one.given_on > infusion.given_on]
    if not later or infusion.disposition == "repeat":
        return
    following = min(later, key=lambda one: one.given_on)
    for one in _cautions(course, following, today, also=[infusion]):
        if one.code == "too_soon":
            told = _("The infusion on {date} would then be only {elapsed} after this one.")
            facts = {"date": _date(following.given_on), "elapsed": dict(one.facts)["elapsed"]}
            words = f"{told.format(**facts)} {_('Is the date right?')}"
            yield Question("next_too_soon", words, "date")


HOLD_WORDS = {
    HoldReason.INFECTION: gettext_lazy(
        "A note from {date} says possible infection. Has it cleared?"
    ),
    HoldReason.AUTHORIZATION: gettext_lazy(
        "A note from {date} says that the insurance approval is missing. Has it come?"
    ),
    HoldReason.VACCINE: gettext_lazy(
        "A note from {date} says to wait because of a vaccine. Is the wait over?"
    ),
    HoldReason.PREGNANCY: gettext_lazy(
        "Infusions are on pause since {date}. Has the prescriber agreed to go on?"
    ),
    HoldReason.OTHER: gettext_lazy("Infusions are on hold since {date}. Is the reason gone?"),
}


def _on_hold(course: Course, day: dt.date) -> Iterator[Question]:
    """R10: an infusion in spite of a hold that was in force on its day."""
    for hold in course.holds.all():
        if hold.in_force(day):
            words = str(HOLD_WORDS[HoldReason(hold.reason)])
            yield Question(f"hold_{hold.reason}", words.format(date=_date(hold.starts_on)))


HEPATITIS_B_WORDS = {
    "not_clear": gettext_lazy(
        "The hepatitis B result on file speaks against the infusion. Has the prescriber agreed?"
    ),
    "expired": gettext_lazy(
        "The hepatitis B result on file is out of date. It is needed before the first infusion."
    ),
    "needed": gettext_lazy(
        "No hepatitis B result on file. It is needed before the first infusion."
    ),
}


def _hepatitis_b(course: Course, day: dt.date, today: dt.date) -> Iterator[Question]:
    """Section 4: the drug can wake the virus, so the first infusion waits for the result."""
    found = course.forecast(today)
    if not starts_anew(found):
        return
    for one in standings(course, found, on=day):
        if one.check.code == "hepatitis-b" and one.blocks:
            yield Question("hepatitis_b", str(HEPATITIS_B_WORDS[one.status]))


def visit_questions(found: Forecast, day: dt.date) -> Iterator[str]:
    """What to ask about a visit on `day`, a local date: outside the window, or after a lapse."""
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
        if dose.lapses_on and day >= dose.lapses_on and not found.position.pending:  # R13
            yield _(
                "The treatment has lapsed by {day}. "
                "A prescriber chooses how it starts again, at best before the visit is booked."
            ).format(day=_date(day))
        elif day > dose.window_end:
            days = (day - dose.due).days
            late = ngettext(
                "This is {n} day after the due date, {due}. Most visits are by {last}.",
                "This is {n} days after the due date, {due}. Most visits are by {last}.",
                days,
            )
            yield late.format(n=days, due=_date(dose.due), last=_date(dose.window_end))


def washout_questions(course: Course, day: dt.date) -> Iterator[str]:
    """What to ask about a first dose on `day`, a local date, after another treatment (A14)."""
    before = treatment_before(course, day)
    if before is None or course.position(day).anchor is not None:
        return
    facts = {"drug": before.drug, "days": before.alert_days}
    if before.earliest_on and day < before.earliest_on:
        early = _("After {drug} the first infusion may be given from {date} on.")
        yield early.format(date=_date(before.earliest_on), **facts)
    if before.alert_days:
        late = _(
            "This is more than {days} days after the last {drug} dose. A relapse is more likely "
            "then. Has the prescriber agreed?"
        )
        yield late.format(**facts)


def _date(day: dt.date) -> str:
    return date_format(day, "F j, Y")
