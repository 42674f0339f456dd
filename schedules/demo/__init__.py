"""A made-up clinic with patients in every state, built with the same verbs that people use.

All names are invented; all addresses are at example.org, which belongs to nobody. Each act is
done "on its day": the history looks as if the clinic had used the product for years.
"""

import datetime as dt

from django.db import connection, transaction

from ocrevus_tracker.accounts import factors
from ocrevus_tracker.accounts.models import Clinic, User
from ocrevus_tracker.audit import anchor, guards
from ocrevus_tracker.audit.models import Detail, Entry, Seal
from schedules.models import Patient

from .clinicians import ADMIN, APPS, NURSE, PASSWORD, PRESCRIBER, Clinicians, give_second_step
from .stories import STORIES

__all__ = [
    "ADMIN",
    "NURSE",
    "PASSWORD",
    "PRESCRIBER",
    "SLUG",
    "STORIES",
    "build",
    "remove",
    "second_steps",
]

# No clinic of flesh and blood would choose this; what bears it may be removed.
SLUG = "made-up-harbor-clinic"


def build(now: dt.datetime) -> Clinic:
    """Make the demo clinic and its people as of `now` (aware UTC), all or nothing."""
    with transaction.atomic():
        clinic = Clinic.objects.create(
            name="Harbor Clinic",
            slug=SLUG,
            time_zone="America/New_York",
            phone="(201) 555-0100",
            hours="weekdays 8 a.m. to 5 p.m.",
            address="1 Harbor Street, Springfield",
        )
        staff = Clinicians(clinic, now)
        staff.decide()
        for number, story in enumerate(STORIES, start=1):
            story.tell(staff, staff.enter(story, number))
    return clinic


def second_steps(moment: float) -> dict[str, tuple[str, list[str]]]:
    """For each of the made-up staff: what their app shows at `moment` (seconds since 1970), and
    their recovery codes. A demo made by an earlier version gets them now.
    """
    found = {}
    for user in User.objects.filter(email__in=APPS, memberships__clinic__slug=SLUG).order_by("pk"):
        give_second_step(user)
        found[user.email] = (
            factors.code_at(APPS[user.email], moment),
            factors.recovery_codes(user),
        )
    return found


def remove() -> None:
    """Take the demo clinic and all that belongs to it out of the database."""
    with transaction.atomic():
        clinic = Clinic.objects.filter(slug=SLUG).first()
        if clinic is None:
            return
        people = User.objects.filter(patients__clinic=clinic) | User.objects.filter(
            memberships__clinic=clinic
        )
        ids = list(people.values_list("pk", flat=True))
        _forget_trail()
        Patient.objects.filter(clinic=clinic).delete()
        clinic.delete()
        User.objects.filter(pk__in=ids).delete()


def _forget_trail() -> None:
    """A demo's trail goes with the demo, which is alone in its database; a real clinic's never
    does.
    """
    with guards.lifted(connection):
        for rows in (Detail, Entry, Seal):
            rows.objects.all().delete()
    anchor.begin_anew(after=0, reason="another demo")
