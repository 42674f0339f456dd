"""Patients who share a clinic and a wall clock, so that one statement can plan for all of them."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from zoneinfo import ZoneInfo

from ocrevus_tracker.accounts.models import Clinic
from reminders import policy_rules, rules
from reminders.consent import wanted_by_patient
from reminders.models import Kind
from reminders.policies import InUse, versions_in_use
from reminders.rules import Fit, Rule
from reminders.stopping import open_to_mail
from schedules.models import CourseQuerySet, Patient


@dataclass(frozen=True)
class Place:
    """A clinic's patients who go by one time zone, and the rules of the clinic."""

    clinic_id: int
    clinic_zone: str
    own_zone: str  # the patient's own, empty when they go by the clinic's
    rules: tuple[Rule, ...]
    # From when on what the clinic's newest policy calls for may go, if it has one (aware UTC).
    starts_at: dt.datetime | None = None

    @cached_property
    def zone(self) -> ZoneInfo:
        """The wall clock of the people here."""
        return ZoneInfo(self.own_zone or self.clinic_zone)

    def today(self, now: dt.datetime) -> dt.date:
        """The people's own local date at `now` (aware)."""
        return now.astimezone(self.zone).date()

    def moment(self, kind: str, now: dt.datetime) -> dt.datetime:
        """The moment to look at for mails of `kind`: what a new policy calls for waits for the
        next day. The day before a visit cannot wait.
        """
        if self.starts_at is None or kind == Kind.DAY_BEFORE:
            return now
        return max(now, self.starts_at)

    def fit(self, rule: Rule, anchor_on: dt.date, now: dt.datetime) -> Fit | None:
        """The reminder for `anchor_on` that `rule` calls for here."""
        moment = self.moment(rule.kind, now)
        found = rules.fit(rule, anchor_on=anchor_on, now=moment, zone=self.zone)
        if found is None or moment == now:
            return found
        return replace(found, not_before=max(found.not_before, moment))

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
    own = Patient.objects.elsewhere().order_by()
    if clinics is not None:
        found, own = found.filter(pk__in=clinics), own.filter(clinic__in=clinics)
    zones = own.values_list("clinic", "time_zone").distinct()
    in_use = versions_in_use()
    here = {clinic.pk: _place(clinic, in_use.get(clinic.pk)) for clinic in found}
    elsewhere = [replace(here[pk], own_zone=zone) for pk, zone in zones if pk in here]
    return [*here.values(), *elsewhere]


def _place(clinic: Clinic, policy: InUse | None) -> Place:
    """Those who go by the clinic's own clock."""
    found = policy_rules.policy_for(
        booking_opens_days=clinic.booking_opens_days,
        late_after_days=clinic.late_after_days,
        rows=policy.rows if policy else None,
    )
    return Place(clinic.pk, clinic.time_zone, "", found, policy.starts_at if policy else None)
