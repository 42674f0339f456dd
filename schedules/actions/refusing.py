"""What no infusion on record may be, whoever enters or changes it: the Stop tier of ux 2.11."""

import datetime as dt
from collections.abc import Iterator

from django.utils.translation import gettext as _

from schedules.engine.history import HistoryError
from schedules.models import Course, Infusion, Outcome, Rate
from schedules.parts import awaited_part
from schedules.rates import barring_reaction, rate_options

from .shared import UnableTo, long_date


def refuse_impossible(
    course: Course, infusion: Infusion, *, today: dt.date, refusal: type[UnableTo]
) -> None:
    """Check `infusion`, new or changed, before it is saved on the locked `course`.

    Raises:
        UnableTo: (as `refusal`) the first thing that is wrong, in words.
    """
    for complaints in (_about_itself, _about_the_course, _about_the_rate):
        for words in complaints(course, infusion, today):
            raise refusal(words)


def refuse_contradiction(course: Course, *, today: dt.date, refusal: type[UnableTo]) -> None:
    """Check that the infusions on record, as they are now, can all be true together (R1).

    Raises:
        UnableTo: (as `refusal`) they cannot.
    """
    try:
        course.forecast(today)
    except HistoryError as error:
        raise refusal(
            _(
                "The rest of an infusion must follow its first part, with no other infusion "
                "between them. Take back or correct the other part first."
            )
        ) from error


def _about_itself(_course: Course, infusion: Infusion, today: dt.date) -> Iterator[str]:
    not_done = infusion.outcome == Outcome.NOT_DONE
    if infusion.given_on > today:
        yield _("The date given must be today or in the past.")
    if not_done and infusion.dose_mg:
        yield _("What was not given has no dose.")
    if not_done and infusion.reaction:
        yield _("There is no reaction to an infusion that was not given.")
    if infusion.dose_mg <= 0 and not not_done:
        yield _("The dose must be more than 0 mg.")


def _about_the_course(course: Course, infusion: Infusion, today: dt.date) -> Iterator[str]:
    day = infusion.given_on
    # What was given on the day of the end may be put right, but nothing is added to it.
    first_closed = course.stopped_on
    if first_closed and infusion.pk:
        first_closed += dt.timedelta(days=1)
    if first_closed and day >= first_closed:
        yield _("Infusions are stopped. Restart treatment first.")
    yield from _about_the_day(course, infusion)
    earlier = course.start(today).last
    if earlier and day <= earlier:
        yield _("Infusions up to %(date)s belong to the treatment before this one.") % {
            "date": long_date(earlier)
        }
    if infusion.remainder and awaited_part(course, day) is None:
        yield _("No infusion before this date waits for its rest.")


def _about_the_day(course: Course, infusion: Infusion) -> Iterator[str]:
    """One infusion a day. After one that was not given there may be one that was."""
    others = course.infusions.filter(given_on=infusion.given_on, voided_at=None)
    others = others.exclude(pk=infusion.pk)
    words = {"date": long_date(infusion.given_on)}
    if others.counting().exists():
        yield _("An infusion is already recorded for %(date)s.") % words
    if infusion.outcome == Outcome.NOT_DONE and others.exists():
        yield _("It is recorded already that no infusion was given on %(date)s.") % words


def _about_the_rate(course: Course, infusion: Infusion, _today: dt.date) -> Iterator[str]:
    """Section 3: the short infusion is for maintenance, and never after a serious reaction
    unless a prescriber allows it.
    """
    if infusion.rate != Rate.OPTION_2:
        return
    day = infusion.given_on
    if barring := barring_reaction(course, day):
        yield _(
            "The serious reaction on %(date)s bars the short infusion. "
            "A prescriber can allow it again."
        ) % {"date": long_date(barring.given_on)}
    elif Rate.OPTION_2 not in {one.code for one in rate_options(course, day)}:
        yield _("The short infusion is for maintenance doses only.")
