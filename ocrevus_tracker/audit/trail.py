"""Adding to the audit trail."""

import datetime as dt

from django.db import models

from ocrevus_tracker.accounts.models import Clinic, User

from .models import Entry


def record(
    *,
    at: dt.datetime,
    actor: User | None,
    clinic: Clinic,
    act: str,
    subject: models.Model,
    reason: str = "",
) -> Entry:
    """Add an entry: `actor` did `act` to `subject` at `at` (aware UTC). None is the system."""
    return Entry.objects.create(
        at=at,
        actor=actor,
        clinic=clinic,
        act=act,
        subject=_name(subject),
        reason=reason,
    )


def latest(*, clinic: Clinic, subject: models.Model) -> Entry:
    """The newest entry about `subject`: who touched it last, and when.

    Raises:
        Entry.DoesNotExist: nobody has; what is written by a verb has one.
    """
    about = Entry.objects.filter(clinic=clinic, subject=_name(subject)).select_related("actor")
    return about.latest("at", "pk")


def _name(subject: models.Model) -> str:
    return f"{subject._meta.model_name} {subject.pk}"  # noqa: SLF001 - Django's public _meta
