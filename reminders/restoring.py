"""After a backup was restored: what was sent since then, nobody can see in the database."""

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from . import evidence, guards, journal, outbox, rules
from .identity import message_id_of
from .models import MAX_DOUBT, OPEN, DeliveryEvent, EventKind, Reminder, ReminderQuerySet, State

AT_ONCE = 500
# More than a large clinic sends between two backups.
RECEIPTS = 50_000
# One more than may be risked: without evidence it goes to the clinic's list, never out again.
PAST_RISKING = Q(state=State.IN_DOUBT, doubt__gt=MAX_DOUBT)


@dataclass(frozen=True, slots=True)
class Restored:
    """How many mails may have gone out since the backup, how many surely did, and how many are
    for people to look at.
    """

    doubtful: int
    proven: int
    left: int


def after_restore(*, backup_time: dt.datetime, now: dt.datetime) -> Restored:
    """Doubt each mail that may have been sent between `backup_time` and `now` (aware), settle what
    evidence there is, and let the worker go on.

    A mail in doubt is not sent again: the journal, the relay or a report proves that it went, or
    after GRACE it is on the clinic's list. Doing it twice changes nothing more.
    """
    _remember_lost_receipts(now)
    # Before planning, which closes what is late; and after it, for what it opens again.
    doubtful = _doubt(backup_time, now)
    outbox.plan(now=now)
    doubtful += _doubt(backup_time, now)
    waiting = Reminder.objects.filter(PAST_RISKING)
    before = waiting.count()
    _settle(waiting, now)
    guards.release()
    left = waiting.count()
    return Restored(doubtful=doubtful, proven=before - left, left=left)


def _remember_lost_receipts(now: dt.datetime) -> None:
    """Keep the receipts that no row has as reports that came too early: what they are about may be
    entered again, and then its mail has been sent.
    """
    marks = journal.tail(RECEIPTS)
    for start in range(0, len(marks), AT_ONCE):
        some = marks[start : start + AT_ONCE]
        known = set(
            Reminder.objects.filter(message_id__in=some).values_list("message_id", flat=True)
        )
        DeliveryEvent.objects.bulk_create(
            [
                DeliveryEvent(
                    provider="journal",
                    event_id=mark,
                    kind=EventKind.SENT,
                    message_id=mark,
                    happened_at=now,
                    received_at=now,
                )
                for mark in some
                if mark not in known
            ],
            ignore_conflicts=True,
        )


def _doubt(backup_time: dt.datetime, now: dt.datetime) -> int:
    """Those whose window meets the lost time and whose end is not known for certain."""
    open_then = Reminder.objects.filter(
        state__in=OPEN, next_at__lte=now, not_after__gte=backup_time
    ).exclude(PAST_RISKING)
    people = ("patient__clinic", "member__clinic")
    return sum(_put_in_doubt(row, now) for row in open_then.select_related(*people))


def _put_in_doubt(row: Reminder, now: dt.datetime) -> int:
    changes = {
        "state": State.IN_DOUBT,
        "doubt": MAX_DOUBT + 1,
        "message_id": message_id_of(row),
        "next_at": now + dt.timedelta(seconds=settings.REMINDER_GRACE_SECONDS),
        "lease_until": None,
        "last_error": "restored",
    }
    rows = Reminder.objects.filter(pk=row.pk, state__in=OPEN)
    # It may have been today's mail to this person; no other is sent today unless one surely was.
    today = rules.day_of(row.kind, now, row.zone, visit_at=row.visit_at)
    try:
        with transaction.atomic():
            return rows.update(**changes, sent_on=row.sent_on or today)
    except IntegrityError:
        return rows.update(**changes)


def _settle(doubts: ReminderQuerySet, now: dt.datetime) -> None:
    """Whatever evidence there is, at once."""
    evidence.attach_early_events(now=now)
    marks = [mark for mark in doubts.values_list("message_id", flat=True) if mark]
    for start in range(0, len(marks), AT_ONCE):
        some = marks[start : start + AT_ONCE]
        proven = journal.look_up(some).accepted | evidence.relay_says(some)
        doubts.filter(message_id__in=proven).update(
            state=State.ACCEPTED, accepted_at=now, last_error=""
        )
