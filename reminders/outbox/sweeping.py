"""What dead or slow workers left behind."""

import datetime as dt
import logging

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now

from reminders import journal
from reminders.models import MAX_DOUBT, Reminder, State
from reminders.stopping import clinic_days

log = logging.getLogger(__name__)

# A row that was in hand each time its worker died is likely the reason.
MAX_CRASHES = 15


def sweep(*, now: dt.datetime) -> None:
    """Bring every row whose lease is over, and every doubt whose time is over, to its next state.

    `now` is aware UTC; leases are measured on the database's clock.
    """
    _take_back_claims()
    _doubt_what_was_on_the_wire()
    _believe_the_journal(now)
    _decide_old_doubts(now)


def _take_back_claims() -> None:
    """Nothing was sent: send it again at once, but not for ever."""
    lost = Reminder.objects.filter(state=State.CLAIMED, lease_until__lte=Now())
    lost.filter(tries__gte=MAX_CRASHES).update(state=State.FAILED, last_error="worker-lost")
    lost.update(state=State.PLANNED, tries=F("tries") + 1, lease_until=None)


def _doubt_what_was_on_the_wire() -> None:
    """It may have been sent. GRACE counts from the moment it went on the wire."""
    lease, grace = settings.REMINDER_LEASE_SECONDS, settings.REMINDER_GRACE_SECONDS
    rest_of_grace = dt.timedelta(seconds=max(0, grace - lease))
    Reminder.objects.filter(state=State.ON_WIRE, lease_until__lte=Now()).update(
        state=State.IN_DOUBT,
        doubt=F("doubt") + 1,
        next_at=F("lease_until") + rest_of_grace,
        last_error="worker-lost",
    )


def _believe_the_journal(now: dt.datetime) -> None:
    doubts = Reminder.objects.filter(state=State.IN_DOUBT)
    proven = journal.receipts(set(doubts.values_list("message_id", flat=True)))
    if proven:
        count = doubts.filter(message_id__in=proven).update(
            state=State.ACCEPTED, accepted_at=now, last_error=""
        )
        log.info("%s reminders in doubt had a receipt", count)


def _decide_old_doubts(now: dt.datetime) -> None:
    """No evidence came. One more copy, under the same Message-ID, if it is still useful and true;
    otherwise a person decides.
    """
    old = Reminder.objects.filter(state=State.IN_DOUBT, next_at__lte=now)
    useful = old.filter(doubt__lte=MAX_DOUBT, not_after__gt=now)
    useful.true_on(clinic_days(now)).update(state=State.RETRY_WAIT, next_at=now)
    useful.update(state=State.CANCELLED)
    old.update(state=State.FAILED, last_error="in-doubt")
