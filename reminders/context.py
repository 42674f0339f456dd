"""What every staff page says when nothing has been sent for a day."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from ocrevus_tracker.accounts.models import User
from schedules.models import Patient, PatientQuerySet

from .models import Deployment, Heartbeat

PATIENCE = dt.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Standstill:
    """No reminder has been sent since then: on purpose, or for a reason that nobody knows yet."""

    since: dt.datetime
    on_purpose: bool
    ever_ran: bool = True


def standstill(request: HttpRequest) -> dict[str, Any]:
    """Asked for by the frame of the staff's pages alone, and only there is a query made."""
    return {"standstill": SimpleLazyObject(lambda: _seen_by(request))}


def _seen_by(request: HttpRequest) -> Standstill | None:
    if not isinstance(request.user, User):
        return None
    return find_standstill(timezone.now(), Patient.objects.of_staff(request.user))


def find_standstill(now: dt.datetime, patients: PatientQuerySet) -> Standstill | None:
    """Whether reminders stand still at `now` (aware), seen in one query.

    Where nothing ever ran, since the first of `patients` was entered; where there is none yet,
    nobody waits for a reminder.
    """
    row = (
        patients.order_by("pk")
        .values_list(
            "created_at",
            _of_the_one(Heartbeat, "planned_at"),
            _of_the_one(Heartbeat, "delivered_at"),
            _of_the_one(Deployment, "halted_at"),
        )
        .first()
    )
    if row is None:
        return None
    entered_at, *ran_at, halted_at = row
    if halted_at:
        return Standstill(halted_at, on_purpose=True)
    ever_ran = None not in ran_at
    since = min(ran_at) if ever_ran else entered_at
    return (
        Standstill(since, on_purpose=False, ever_ran=ever_ran) if now - since > PATIENCE else None
    )


def _of_the_one(model: type[Model], name: str) -> Subquery:
    """A column of a table that has one row, or none."""
    return Subquery(model._default_manager.order_by("pk").values(name)[:1])  # noqa: SLF001 - public by Django's word
