"""Which mail a patient gets next, as far as it can be foreseen. Nothing here plans or sends."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from ocrevus_tracker.accounts.models import Clinic
from schedules.models import Course, Patient

from . import rules
from .consent import is_wanted, refused_kinds
from .models import PATIENT, REOPENABLE, STOPPABLE, Kind, Preference, Reminder
from .policies import rules_of
from .stopping import Days, open_to_mail


@dataclass(frozen=True, slots=True, order=True)
class Ahead:
    """A mail of `kind` that goes on or after `on`, the patient's local date."""

    on: dt.date
    kind: Kind


def next_mails(patient: Patient, *, now: dt.datetime) -> list[Ahead]:
    """The mails that are planned, the next first; else the first one that the rules foresee.

    Empty when none is to be expected: no mail is wanted, or nothing is due.
    """
    days = {patient.clinic.local_date(now): [patient.clinic.time_zone]}
    rows = Reminder.objects.filter(is_wanted(), patient=patient, recipient=PATIENT)
    planned = rows.filter(state__in=STOPPABLE, not_after__gt=now).true_on(days)
    found = [
        Ahead(max(row.next_at, now).astimezone(patient.tz).date(), Kind(row.kind))
        for row in planned.order_by("next_at", "pk")
    ]
    return found or sorted(_foreseen(patient, days, now))[:1]


def _foreseen(patient: Patient, days: Days, now: dt.datetime) -> Iterator[Ahead]:
    today = now.astimezone(patient.tz).date()
    sent = Reminder.objects.filter(patient=patient, recipient=PATIENT).exclude(REOPENABLE)
    spoken = set(sent.values_list("kind", "due_on"))
    refused = refused_kinds(Preference.of(patient))
    for course in open_to_mail(days).filter(patient=patient):
        for rule, anchor_on in _rules_of(course, patient.clinic, now):
            last_day = anchor_on + dt.timedelta(days=rule.last_day)
            awaited = last_day >= today and (rule.kind, anchor_on) not in spoken
            if awaited and rule.kind not in refused:
                first_day = anchor_on + dt.timedelta(days=rule.first_day)
                yield Ahead(max(first_day, today), Kind(rule.kind))


def _rules_of(
    course: Course, clinic: Clinic, now: dt.datetime
) -> Iterator[tuple[rules.Rule, dt.date]]:
    """The rules that can speak next, with their anchor: those of the visit once one is booked."""
    visit = course.appointments.booked().filter(starts_at__gt=now).order_by("starts_at").first()
    for rule in rules_of(clinic):
        if visit and rule.anchor == "visit":
            yield rule, clinic.local_date(visit.starts_at)
        elif not visit and rule.anchor == "due" and course.next_step in rule.steps:
            assert course.next_due_on is not None  # noqa: S101 - the database sees to it
            yield rule, course.next_due_on
