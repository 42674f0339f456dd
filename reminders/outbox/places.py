"""Patients who share a clinic and a wall clock, so that one statement can plan for all of them."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from ocrevus_tracker.accounts.models import Clinic
from reminders import rules
from reminders.consent import wanted_by_patient
from reminders.models import Policy
from reminders.stopping import open_to_mail
from schedules.models import CourseQuerySet, Patient


@dataclass(frozen=True)
class Place:
    """A clinic's patients who go by one time zone, and the rules of the clinic."""

    clinic_id: int
    clinic_zone: str
    own_zone: str  # the patient's own, empty when they go by the clinic's
    rules: tuple[rules.Rule, ...]

    @cached_property
    def zone(self) -> ZoneInfo:
        """The wall clock of the people here."""
        return ZoneInfo(self.own_zone or self.clinic_zone)

    def today(self, now: dt.datetime) -> dt.date:
        """The people's own local date at `now` (aware)."""
        return now.astimezone(self.zone).date()

    def courses(self, kind: str, now: dt.datetime) -> CourseQuerySet:
        """Those here about which a mail of `kind` may go at `now` (aware)."""
        today = now.astimezone(ZoneInfo(self.clinic_zone)).date()
        return open_to_mail({today: [self.clinic_zone]}).filter(
            wanted_by_patient(kind),
            patient__clinic=self.clinic_id,
            patient__time_zone=self.own_zone,
        )


def places(clinics: Collection[int] | None = None) -> list[Place]:
    """The places of `clinics` (ids; None: of all). Clinics are few; of the patients only those
    with a zone of their own are looked at.
    """
    found = Clinic.objects.order_by("pk")
    own = Patient.objects.exclude(time_zone="").order_by()
    if clinics is not None:
        found, own = found.filter(pk__in=clinics), own.filter(clinic__in=clinics)
    zones = own.values_list("clinic", "time_zone").distinct()
    rows = _rows_in_force()
    at = {clinic.pk: (clinic.time_zone, _rules(clinic, rows.get(clinic.pk))) for clinic in found}
    everywhere = [(pk, "") for pk in at] + [(pk, zone) for pk, zone in zones if pk in at]
    return [Place(pk, at[pk][0], zone, at[pk][1]) for pk, zone in everywhere]


def _rules(clinic: Clinic, rows: dict[str, int] | None) -> tuple[rules.Rule, ...]:
    return rules.policy_for(
        booking_opens_days=clinic.booking_opens_days,
        late_after_days=clinic.late_after_days,
        rows=rows,
    )


def _rows_in_force() -> dict[int, dict[str, int]]:
    """The newest policy of each clinic that has one."""
    return {one.clinic_id: one.rows for one in Policy.objects.order_by("version")}
