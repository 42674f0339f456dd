"""Who has looked at one's own record: by role, never by name."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import signed_in
from ocrevus_tracker.accounts.models import Role
from ocrevus_tracker.audit import trail
from ocrevus_tracker.audit.models import VIEW, Entry
from schedules.models import Patient

from . import seeing
from .access import page, user_of

# Enough for years of visits; the rest is to be had from the clinic.
NEWEST = 500


@dataclass(frozen=True, slots=True)
class Look:
    """On one day, people of one role, so many times."""

    day: dt.date
    who: str
    times: int


@signed_in("GET")
def looked(request: HttpRequest) -> HttpResponse:
    """The days on which somebody opened the record, newest first; a choice where there are
    several records.
    """
    now = timezone.now()
    own = Patient.objects.filter(user=user_of(request)).select_related("clinic")
    records = list(own.order_by("given_name", "family_name", "pk"))
    wanted = request.GET.get("record")
    chosen = [one for one in records if str(one.pk) == wanted] or records
    if not chosen:
        return page(request, "patient/nothing.html", clinic=None, now=now, status=404)
    if len(chosen) > 1:
        seeing.lists(request, chosen, role=trail.PATIENT)
        return page(request, "patient/choose.html", clinic=None, now=now, records=chosen)
    patient = chosen[0]
    seeing.opens(request, patient, role=trail.PATIENT)
    return page(
        request,
        "patient/looked.html",
        clinic=patient.clinic,
        now=now,
        patient=patient,
        looks=_looks(patient),
    )


def _looks(patient: Patient) -> list[Look]:
    about = Entry.objects.filter(patient_id=patient.pk, act__in=(VIEW, trail.EXPORT))
    newest = about.order_by("-pk").values_list("at", "role")[:NEWEST]
    counted = Counter((patient.clinic.local_date(at), _in_words(role)) for at, role in newest)
    ordered = sorted(counted.items(), key=lambda one: one[0][0], reverse=True)
    return [Look(day, who, times) for (day, who), times in ordered]


def _in_words(role: str) -> str:
    """Somebody by what they are, to the person whose record it is."""
    return {
        trail.PATIENT: _("You"),
        trail.HELPER: _("A person who helps you"),
        trail.SYSTEM: _("Our computer"),
        Role.NURSE.value: _("A nurse"),
        Role.COORDINATOR.value: _("A person who books visits"),
        Role.PRESCRIBER.value: _("A doctor or prescriber"),
        Role.ADMIN.value: _("A person who runs the clinic's office"),
        Role.AUDITOR.value: _("A person who checks how records are used"),
    }.get(role, _("A person who works at your clinic"))
