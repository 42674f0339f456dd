"""Asking the audit trail: what happened at a clinic, newest first, a page at a time."""

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from ocrevus_tracker.accounts.models import Clinic, Membership
from ocrevus_tracker.audit import trail
from ocrevus_tracker.audit.models import VIEW, Entry
from schedules.models import Patient

READING = (VIEW, trail.VIEW_LIST)
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; empty fields ask for nothing. Days are the clinic's, both included."""

    person: int | None = None
    patient: int | None = None
    acts: Collection[str] = ()
    without: Collection[str] = ()
    first: dt.date | None = None
    last: dt.date | None = None


def entries_of(
    clinic: Clinic, wanted: Wanted, *, count: int, before: int | None = None
) -> list[Entry]:
    """The newest `count` entries of `clinic` that are `wanted`, from those older than `before`.

    What its people did at the door, which belongs to no clinic, is among them.
    """
    found: list[Entry] = []
    for part in _parts(clinic, wanted):
        older = part.filter(pk__lt=before) if before else part
        found += older.select_related("actor", "detail").order_by("-pk")[:count]
    return sorted(found, key=lambda one: one.pk, reverse=True)[:count]


def every_entry(clinic: Clinic, wanted: Wanted) -> Iterator[list[Entry]]:
    """All of them, in pieces: takes the same memory for any number."""
    before: int | None = None
    while some := entries_of(clinic, wanted, count=AT_ONCE, before=before):
        yield some
        before = some[-1].pk


def patients_of(clinic: Clinic, entries: Collection[Entry]) -> dict[int, Patient]:
    """The records of `clinic` that `entries` are about, by primary key."""
    ids = {one.patient_id for one in entries if one.patient_id}
    return Patient.objects.filter(clinic=clinic).select_related("clinic").in_bulk(ids)


def _parts(clinic: Clinic, wanted: Wanted) -> list[QuerySet[Entry]]:
    """Two questions, each of which an index answers: the records and the lists they were on, or
    what happened at the clinic and at the door.
    """
    matching = Entry.objects.filter(_matches(clinic, wanted))
    at_clinic = matching.filter(clinic=clinic)
    if wanted.patient:
        listed = Q(act=trail.VIEW_LIST, shown__contains=f",{wanted.patient},")
        return [at_clinic.filter(patient_id=wanted.patient), at_clinic.filter(listed)]
    staff = Membership.objects.filter(clinic=clinic).values("user")
    treated = Patient.objects.filter(clinic=clinic, user__isnull=False).values("user")
    at_the_door = matching.filter(clinic=None)
    return [at_clinic, at_the_door.filter(Q(actor__in=staff) | Q(actor__in=treated))]


def _matches(clinic: Clinic, wanted: Wanted) -> Q:
    asked = Q()
    if wanted.person:
        asked &= Q(actor=wanted.person)
    if wanted.acts:
        asked &= Q(act__in=wanted.acts)
    if wanted.without:
        asked &= ~Q(act__in=wanted.without)
    if wanted.first:
        asked &= Q(at__gte=_midnight(clinic, wanted.first))
    if wanted.last:
        asked &= Q(at__lt=_midnight(clinic, wanted.last + dt.timedelta(days=1)))
    return asked


def _midnight(clinic: Clinic, day: dt.date) -> dt.datetime:
    """When `day` begins at the clinic."""
    return dt.datetime.combine(day, dt.time(), clinic.tz)
