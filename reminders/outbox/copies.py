"""Copies for helpers: each mail of a patient is planned once more for whoever said yes to it."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db.models import CharField, Exists, F, FilteredRelation, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from reminders.consent import KEPT_AWAY
from reminders.models import OPEN, PATIENT, REOPENABLE, SENT, Helper, Reminder, State
from reminders.rules import TOPICS

from .inserting import insert_from

COPIED = (
    *("patient", "course", "appointment", "infusion", "date_move", "corrects"),
    *("kind", "due_on", "visit_at", "next_at", "not_after"),
)


def add_copies(*, now: dt.datetime, courses: Collection[int] | None = None) -> int:
    """Add the copies that are missing at `now` (aware UTC) and open those that were closed.

    A copy follows a mail that is on its way, or that went after the helper had said yes and is
    still true. `courses` (ids) are the ones to look at, None for all.
    """
    if not Helper.objects.getting_copies().exists():
        return 0
    mails = _mails_of_helped(now)
    if courses is not None:
        mails = mails.filter(course__in=courses)
    helper = Concat(Value("helper-"), Cast("one", CharField()))
    mails = mails.annotate(copy_for=helper)
    missing = mails.exclude(Exists(_copies()))
    columns: dict[str, Any] = {name: F(name) for name in COPIED}
    columns |= {
        "due_version": F("course__due_version"),
        "recipient": F("copy_for"),
        "helper": F("one"),
    }
    return insert_from(Reminder, missing, columns) + _open_again(mails)


def _mails_of_helped(now: dt.datetime) -> QuerySet[Reminder]:
    """The patients' mails, once for each helper that wants it."""
    helping = Q(
        patient__helpers__accepted_at__isnull=False,
        patient__helpers__removed_at=None,
        patient__helpers__gets_copies=True,
    )
    went = Q(state__in=SENT, due_version=F("course__due_version"))
    mails = Reminder.objects.filter(
        Q(state__in=OPEN) | went,
        recipient=PATIENT,
        resend_of=None,
        not_after__gt=now,
        kind__in=TOPICS,
    ).annotate(one=FilteredRelation("patient__helpers", condition=helping))
    refused = Q()
    for field, kinds in KEPT_AWAY.items():
        refused |= Q(**{f"one__{field}": True}, kind__in=kinds)
    return mails.filter(one__isnull=False, next_at__gte=F("one__accepted_at")).exclude(refused)


def _copies() -> QuerySet[Reminder]:
    """The copy of a mail for a helper."""
    return Reminder.objects.filter(
        course=OuterRef("course"),
        kind=OuterRef("kind"),
        due_on=OuterRef("due_on"),
        recipient=OuterRef("copy_for"),
    )


def _open_again(mails: QuerySet[Reminder]) -> int:
    """Closed before it was sent, and its mail is on its way again."""
    mail = mails.filter(
        course=OuterRef("course"),
        kind=OuterRef("kind"),
        due_on=OuterRef("due_on"),
        state__in=OPEN,
        copy_for=OuterRef("recipient"),  # type: ignore[misc]  # annotated by the caller
    )
    closed = Reminder.objects.filter(REOPENABLE, helper__isnull=False)
    return closed.filter(Exists(mail)).update(
        state=State.PLANNED,
        **{name: mail.values(name)[:1] for name in ("due_version", "next_at", "not_after")},
    )
