"""Noticing somebody who opens far more records than care for patients asks for."""

import datetime as dt
from collections.abc import Iterable

from django.db.models import Count

from ocrevus_tracker.accounts.models import Clinic, Role, User

from . import trail
from .models import VIEW, Entry

ACT = "open many records"
MOST_AN_HOUR = 300
HOUR = dt.timedelta(hours=1)


def notice(entries: Iterable[Entry], *, now: dt.datetime) -> int:
    """Put on the trail who, of those that added `entries`, has opened more than 300 patients'
    records of one clinic within an hour; once an hour each. Returns how many there are.
    """
    readers = {one.actor_id for one in entries if one.act == VIEW and one.role in Role.values}
    if not readers:
        return 0
    lately = Entry.objects.filter(act=VIEW, actor__in=readers, at__gt=now - HOUR)
    counted = lately.values("actor", "clinic").annotate(records=Count("patient_id", distinct=True))
    found = counted.filter(records__gt=MOST_AN_HOUR).order_by("actor", "clinic")
    return sum(_note(one["actor"], one["clinic"], one["records"], now) for one in found)


def lately(clinic: Clinic, *, since: dt.datetime) -> list[Entry]:
    """The notes about people of `clinic` from `since` on, newest first."""
    noted = Entry.objects.filter(clinic=clinic, act=ACT, at__gte=since)
    return list(noted.select_related("actor", "detail").order_by("-pk"))


def _note(actor_id: int, clinic_id: int, records: int, now: dt.datetime) -> bool:
    noted = Entry.objects.filter(act=ACT, actor=actor_id, clinic=clinic_id, at__gt=now - HOUR)
    if noted.exists():
        return False
    actor, clinic = User.objects.get(pk=actor_id), Clinic.objects.get(pk=clinic_id)
    words = f"{records} records within an hour"
    trail.record(at=now, actor=actor, clinic=clinic, act=ACT, subject=actor, reason=words)
    return True
