"""From a planned row to an accepted mail: claim, prepare, fence, send, settle.

A worker may die between any two lines. What it held is then in one of two states: CLAIMED, when
nothing can have been sent, or ON_WIRE, when it may have been. `sweeping` goes on from there.
"""

import datetime as dt
import logging
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.db.models import F
from django.db.models.functions import Now

from reminders import emails, journal, rules
from reminders.identity import message_id_of
from reminders.models import WAITING, Heartbeat, Reminder, ReminderQuerySet, State
from reminders.stopping import Days, clinic_days
from reminders.transport import (
    Doubt,
    Permanent,
    Temporary,
    Transport,
    TransportError,
    Unreachable,
    open_transport,
)

from .sweeping import sweep

log = logging.getLogger(__name__)

# Rows claimed at once: enough to spare statements, few enough to wait for when a worker dies.
BATCH = 10
RETRY_MINUTES = (1, 5, 15, 60)
# Together with the waits above half a day; the mail server may be away that long.
MAX_TRIES = 15
# Our own mistake does not mend itself: show it soon.
MAX_RENDERINGS = 3
COMMIT_TRIES = 5
OUTCOMES: dict[type[TransportError], State] = {
    Temporary: State.RETRY_WAIT,
    Unreachable: State.RETRY_WAIT,
    Permanent: State.FAILED,
    Doubt: State.IN_DOUBT,
}


class UnableToRender(Exception):  # noqa: N818 - reads as a sentence, like the schedule's verbs
    """The mail cannot be made from the row."""


def deliver(
    *, now: dt.datetime, seconds: float = 50, stop: Callable[[], bool] = lambda: False
) -> int:
    """Send what is ready at `now` (aware UTC); returns how many mails were accepted.

    Ends when nothing is ready, after `seconds`, when the mail server is away, or when `stop()`
    says so, but never in the middle of a mail.
    """
    sweep(now=now)
    owner = uuid.uuid4().hex
    deadline = time.monotonic() + seconds
    accepted = 0

    def over() -> bool:
        return stop() or time.monotonic() > deadline

    with open_transport() as transport:
        while not over() and (rows := claim(now=now, owner=owner)):
            try:
                while rows and not over():
                    accepted += send(rows.pop(0), transport=transport, now=now) == State.ACCEPTED
            except Unreachable as error:
                log.warning("No mail can be sent now (%s)", error.code)
                break
            finally:
                release(rows)
    Heartbeat.beat(delivered_at=now)
    return accepted


def claim(*, now: dt.datetime, owner: str) -> list[Reminder]:
    """Take up to ten rows that are ready at `now`, still true, and within sending hours.

    They are CLAIMED for `owner` (unique to the caller) until the lease ends; nobody else gets
    them. An empty list means that nothing is ready.
    """
    days = clinic_days(now)
    while candidates := _candidates(now, days):
        in_hours = [row.pk for row in candidates if not _put_off(row, now)]
        taken = (
            Reminder.objects.filter(pk__in=in_hours, state__in=WAITING)
            .true_on(days)
            .update(
                state=State.CLAIMED,
                owner=owner,
                attempt=F("attempt") + 1,
                lease_until=_lease(),
            )
        )
        if taken:
            mine = Reminder.objects.filter(pk__in=in_hours, state=State.CLAIMED, owner=owner)
            return list(_with_people(mine))
    return []


def fence(row: Reminder, *, message: emails.Letter, now: dt.datetime) -> bool:
    """The last look before the mail leaves: CLAIMED becomes ON_WIRE, if all is as it was.

    False when the lease is over, somebody else holds the row, the date has moved meanwhile, or a
    hold is in force on the clinic's local date at `now` (aware). Keeps the subject and text as
    they are being sent, and the due date that they name.
    """
    clinic = row.course.patient.clinic
    held = Reminder.objects.filter(
        pk=row.pk,
        state=State.CLAIMED,
        owner=row.owner,
        attempt=row.attempt,
        lease_until__gt=Now(),
    )
    return bool(
        held.true_on({clinic.local_date(now): [clinic.time_zone]}).update(
            state=State.ON_WIRE,
            lease_until=_lease(),
            dated_at=row.dated_at,
            message_id=row.message_id,
            subject=message.subject,
            body_text=message.text,
            told_due_on=row.told_due_on,
        )
    )


def settle(
    row: Reminder,
    *,
    state: State,
    now: dt.datetime,
    error: str = "",
    max_tries: int = MAX_TRIES,
) -> State:
    """Write down what became of an attempt; returns the state that holds now.

    `state` is ACCEPTED, RETRY_WAIT, FAILED or IN_DOUBT. A retry after too many tries is FAILED.
    """
    tries = row.tries + 1
    if state == State.RETRY_WAIT and tries >= max_tries:
        state = State.FAILED
    changes: dict[str, object] = {"state": state, "last_error": error, "tries": tries}
    allowed = [State.ON_WIRE, State.CLAIMED]
    if state == State.ACCEPTED:
        changes["accepted_at"] = now
        # Swept up while it was slow, and sent after all.
        allowed = [State.ON_WIRE, State.IN_DOUBT]
    elif state == State.RETRY_WAIT:
        minutes = RETRY_MINUTES[min(row.tries, len(RETRY_MINUTES) - 1)]
        changes |= {"next_at": now + dt.timedelta(minutes=minutes)}
    elif state == State.IN_DOUBT:
        grace = dt.timedelta(seconds=settings.REMINDER_GRACE_SECONDS)
        changes |= {"doubt": F("doubt") + 1, "next_at": now + grace}
    if not _write(row, allowed, changes):
        log.warning("reminder %s: %s came too late", row.pk, state)
    return state


def release(rows: list[Reminder]) -> None:
    """Give back what was claimed and not begun."""
    for row in rows:
        _write(row, [State.CLAIMED], {"state": State.PLANNED, "lease_until": None})


def send(row: Reminder, *, transport: Transport, now: dt.datetime) -> State:
    """Carry one claimed row through to its settlement; returns the state that holds then.

    Raises:
        Unreachable: no other mail can be sent now either. The row itself is settled.
    """
    try:
        message = _rendered(row, now)
        transport.prepare(message.as_message())
        if not fence(row, message=message, now=now):
            transport.abandon()
            release([row])
            return State.PLANNED
        transport.transmit()
    except UnableToRender:
        again = State.RETRY_WAIT
        return settle(row, state=again, now=now, error="render", max_tries=MAX_RENDERINGS)
    except TransportError as error:
        state = settle(row, state=OUTCOMES[type(error)], now=now, error=error.code)
        if isinstance(error, Unreachable):
            raise
        return state
    journal.record(row.message_id)
    return settle(row, state=State.ACCEPTED, now=now)


def _candidates(now: dt.datetime, days: Days) -> list[Reminder]:
    ready = Reminder.objects.filter(state__in=WAITING, next_at__lte=now, not_after__gt=now)
    return list(_with_people(ready.true_on(days)).order_by("next_at", "pk")[:BATCH])


def _put_off(row: Reminder, now: dt.datetime) -> bool:
    """Whether it is the wrong hour where the recipient lives; then the row waits for the right."""
    opens = rules.next_opening(row.kind, now, row.zone)
    if opens <= now:
        return False
    Reminder.objects.filter(pk=row.pk, state__in=WAITING, attempt=row.attempt).update(next_at=opens)
    return True


def _rendered(row: Reminder, now: dt.datetime) -> emails.Letter:
    """The mail, ready to be sent. Raises UnableToRender, whatever is wrong with this one row."""
    if not row.doubt:
        row.dated_at = now
    row.message_id = message_id_of(row)
    try:
        message = emails.compose(row, now=now)
        row.told_due_on = message.told_due_on
    except Exception as error:  # noqa: BLE001 - one bad row must not stop the others
        # The error's own words may quote a name or an address.
        log.error("reminder %s cannot be rendered: %s", row.pk, type(error).__name__)  # noqa: TRY400
        raise UnableToRender from None
    return message


def _write(row: Reminder, allowed: list[State], changes: dict[str, object]) -> bool:
    """Compare and set. A database that is away for a moment must not make us forget a receipt."""
    rows = Reminder.objects.filter(pk=row.pk, attempt=row.attempt, state__in=allowed)
    for pause in range(COMMIT_TRIES):
        try:
            return bool(rows.update(**changes))
        except (DatabaseError, InterfaceError):
            log.warning("reminder %s: the database is away", row.pk)
            time.sleep(pause)
            close_old_connections()
    return bool(rows.update(**changes))


def _lease() -> object:
    """Until when a claim holds, by the database's clock: workers' clocks may differ."""
    return Now() + dt.timedelta(seconds=settings.REMINDER_LEASE_SECONDS)


def _with_people(rows: ReminderQuerySet) -> ReminderQuerySet:
    return rows.select_related(*emails.NEEDS, "course__patient__clinic")
