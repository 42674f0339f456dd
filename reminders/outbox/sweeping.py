"""What dead or slow workers left behind."""

import datetime as dt
import logging
from collections.abc import Collection, Iterable

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now

from reminders import evidence, journal
from reminders.models import MAX_DOUBT, Reminder, ReminderQuerySet, State
from reminders.stopping import clinic_days

log = logging.getLogger(__name__)

# A row that was in hand each time its worker died is likely the reason.
MAX_CRASHES = 15


def sweep(*, now: dt.datetime) -> None:
    """Bring every row whose lease is over, and every doubt whose time is over, to its next state.

    `now` is aware UTC; leases are measured on the database's clock.
    """
    _take_back_claims(now)
    _look_at_what_was_on_the_wire(now)
    _believe_what_is_known(now)
    evidence.attach_early_events(now=now)
    _decide_old_doubts(now)


def _take_back_claims(now: dt.datetime) -> None:
    """Nothing was sent: send it again at once, but not for ever; and behind the others, so that
    a row that kills its worker does not take the same ones along each time.
    """
    lost = Reminder.objects.filter(state=State.CLAIMED, lease_until__lte=Now())
    lost.filter(tries__gte=MAX_CRASHES).update(state=State.FAILED, last_error="worker-lost")
    lost.update(state=State.PLANNED, tries=F("tries") + 1, lease_until=None, next_at=now)


def _look_at_what_was_on_the_wire(now: dt.datetime) -> None:
    """The journal tells which were sent, and of the rows of a worker that wrote to this very file
    which were surely not: those go again at once. Of the others nobody knows; their GRACE counts
    from the moment they went on the wire.
    """
    lost = Reminder.objects.filter(state=State.ON_WIRE, lease_until__lte=Now())
    held = list(lost.values_list("pk", "message_id", "owner"))
    if not held:
        return
    entries = journal.look_up([mark for _pk, mark, _owner in held if mark])
    _accept(lost, entries.accepted, now)
    never_begun = [
        pk
        for pk, mark, owner in held
        if entries.mark and owner.startswith(f"{entries.mark}:") and mark not in entries.begun
    ]
    lost.filter(pk__in=never_begun).update(state=State.PLANNED, lease_until=None, sent_on=None)
    lease, grace = settings.REMINDER_LEASE_SECONDS, settings.REMINDER_GRACE_SECONDS
    rest_of_grace = dt.timedelta(seconds=max(0, grace - lease))
    # Only those that were looked up: another may have come to its end meanwhile.
    lost.filter(pk__in=[pk for pk, _mark, _owner in held]).update(
        state=State.IN_DOUBT,
        doubt=F("doubt") + 1,
        next_at=F("lease_until") + rest_of_grace,
        last_error="worker-lost",
    )


def _believe_what_is_known(now: dt.datetime) -> None:
    """The journal first; where its time is over, the relay is asked as well."""
    doubts = Reminder.objects.filter(state=State.IN_DOUBT)
    marks = _marks(doubts)
    if not marks:
        return
    _accept(doubts, journal.look_up(marks).accepted, now)
    if old := _marks(doubts.filter(next_at__lte=now)):
        _accept(doubts, evidence.relay_says(old), now)


def _marks(rows: ReminderQuerySet) -> list[str]:
    return [mark for mark in rows.values_list("message_id", flat=True) if mark]


def _accept(doubts: ReminderQuerySet, proven: Iterable[str], now: dt.datetime) -> None:
    found: Collection[str] = set(proven)
    if found:
        count = doubts.filter(message_id__in=found).update(
            state=State.ACCEPTED, accepted_at=now, last_error=""
        )
        log.info("%s reminders had a receipt that the database did not know", count)


def _decide_old_doubts(now: dt.datetime) -> None:
    """No evidence came. One more copy, under the same Message-ID, if it is still useful and true;
    otherwise a person decides.
    """
    old = Reminder.objects.filter(state=State.IN_DOUBT, next_at__lte=now)
    useful = old.filter(doubt__lte=MAX_DOUBT, not_after__gt=now)
    useful.true_on(clinic_days(now)).update(state=State.RETRY_WAIT, next_at=now)
    useful.update(state=State.CANCELLED)
    old.update(state=State.FAILED, last_error="in-doubt")
