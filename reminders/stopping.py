"""Who hears nothing at all: the one stop rule, for every kind of mail."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef

from ocrevus_tracker.accounts.models import Clinic
from schedules.models import Course, CourseQuerySet, Hold, HoldQuerySet

# The time zones of clinics, by the date that it is there. At most three dates at any moment.
Days = Mapping[dt.date, Collection[str]]


def clinic_days(now: dt.datetime, *, zones: Collection[str] | None = None) -> Days:
    """Which date it is at `now` (aware) in the time zone of each clinic, or in `zones` alone."""
    days = defaultdict(list)
    if zones is None:
        zones = Clinic.objects.order_by().values_list("time_zone", flat=True).distinct()
    for zone in zones:
        days[now.astimezone(ZoneInfo(zone)).date()].append(zone)
    return days


def open_to_mail(days: Days) -> CourseQuerySet:
    """The courses about which a mail may go, seen on `days` (of these clinics, no others).

    None once a course was stopped, whatever the reason, nor while a hold or a pause is in force
    on the clinic's local date: that begins and ends by the calendar, with nobody doing anything
    on the day. None to people who want no mail, have no address, or one that mails come back from.
    """
    return (
        Course.objects.open()
        .filter(patient__wants_reminders=True, patient__email__gt="")
        .exclude(patient__dead_addresses__email=F("patient__email"))
        .exclude(Exists(_holds_in_force(days).filter(course=OuterRef("pk"))))
    )


def _holds_in_force(days: Days) -> HoldQuerySet:
    found = Hold.objects.none()
    for today, zones in days.items():
        found |= Hold.objects.in_force(today).filter(course__patient__clinic__time_zone__in=zones)
    return found
