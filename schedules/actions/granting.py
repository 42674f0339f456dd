"""Letting somebody else see a patient's dates, and ending it. Who may ask for that is decided
where these are called; they run in the caller's transaction, which adds the entry to the trail.
"""

import datetime as dt

from django.db.models import Q

from ocrevus_tracker.accounts.models import User
from schedules.models import Grant, Patient

# That somebody looked is written down at most so often.
SEEN_EVERY = dt.timedelta(minutes=5)


def grant_access(*, patient: Patient, user: User, may_tell: bool, now: dt.datetime) -> Grant:
    """From now on `user` sees the dates of `patient`; what held before is replaced."""
    Grant.objects.in_force().filter(patient=patient, user=user).update(ended_at=now)
    return Grant.objects.create(patient=patient, user=user, may_tell=may_tell, granted_at=now)


def end_grant(*, grant: Grant, now: dt.datetime) -> None:
    """With their next request the person sees nothing any more. Twice is once."""
    Grant.objects.in_force().filter(pk=grant.pk).update(ended_at=now)


def note_look(*, patient: Patient, user: User, now: dt.datetime) -> None:
    """A helper looks at the dates: what the patient reads as "last seen"."""
    not_lately = Q(last_seen_at=None) | Q(last_seen_at__lte=now - SEEN_EVERY)
    held = Grant.objects.in_force().filter(not_lately, patient=patient, user=user)
    held.update(last_seen_at=now)
