"""Allowing the short infusion again after a serious reaction."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.models import User
from schedules.models import Course
from schedules.rates import barring_reaction

from .shared import UnableTo, is_prescriber, locked, long_date, on_trail


class UnableToAllow(UnableTo):
    """Only a prescriber may, with a reason, and only where a reaction bars it."""


def allow_short_infusion(*, course: Course, actor: User, now: dt.datetime, reason: str) -> Course:
    """A prescriber allows the short infusion again in spite of earlier reactions (section 3).

    It covers those up to the day before, for one can start up to 24 hours after an infusion
    (R12). A reaction later on bars the short infusion again.

    Raises:
        UnableToAllow: `actor` is no prescriber, there is no `reason`, nothing bars it, or the
            reaction was today.
    """
    with transaction.atomic():
        course = locked(course)
        today = course.patient.clinic.local_date(now)
        if not (reason and is_prescriber(actor, course)):
            raise UnableToAllow(_("Only a prescriber can allow this, with a reason."))
        barring = barring_reaction(course, today + dt.timedelta(days=1))
        if barring is None:
            raise UnableToAllow(_("Nothing bars the short infusion."))
        if barring.given_on >= today:
            raise UnableToAllow(
                _("The reaction was on %(date)s. Decide this on another day.")
                % {"date": long_date(barring.given_on)}
            )
        course.short_infusion_allowed_at = now
        course.short_infusion_allowed_by = actor
        course.save(update_fields=["short_infusion_allowed_at", "short_infusion_allowed_by"])
        on_trail(course, "allow short infusion", course, actor=actor, now=now, reason=reason)
    return course
