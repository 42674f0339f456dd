"""From a planned row to an accepted mail: claim, render, fence, send, settle.

A worker goes on in small groups, so that the database is asked once for many mails. It may die
between any two lines. What it held is then in one of two states: CLAIMED, when nothing can have
been sent, or ON_WIRE, when it may have been; the journal tells which of those surely were, and
which surely were not. `sweeping` goes on from there.
"""

import datetime as dt
import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from reminders import emails, evidence, guards, rules
from reminders.identity import message_id_of
from reminders.journal import Journal
from reminders.models import Heartbeat, Reminder, State
from reminders.stopping import clinic_days
from reminders.transport import (
    Doubt,
    Permanent,
    Temporary,
    Transport,
    TransportError,
    Unreachable,
    open_transport,
)

from . import rows as table
from .sweeping import sweep

log = logging.getLogger(__name__)

# Together with the waits this is more than half a day; the mail server may be away that long.
MAX_TRIES = 15
# Our own mistake does not mend itself: show it soon.
MAX_RENDERINGS = 3
# What is learnt from: so many mails are sent over one connection first. Mail servers on other
# machines answer within some milliseconds, those on our own in less.
FIRST_GROUP = 10
SLOW_ANSWERS = 0.004  # seconds a mail
# No mail leaves later than this after the last look at whether it is still true, in seconds.
FENCE_HOLDS = 0.5
COMMIT_TRIES = 5
Written = TypeVar("Written")
OUTCOMES: dict[type[TransportError], State] = {
    Temporary: State.RETRY_WAIT,
    Unreachable: State.RETRY_WAIT,
    Permanent: State.FAILED,
    Doubt: State.IN_DOUBT,
}


def deliver(
    *, now: dt.datetime, seconds: float = 50, stop: Callable[[], bool] = lambda: False
) -> int:
    """Send what is ready at `now` (aware UTC); returns how many mails were accepted.

    Ends when nothing is ready, after `seconds`, when the mail server is away, or when `stop()`
    says so, but never in the middle of a mail. Sends nothing while `guards` forbid it.
    """
    if not guards.may_send(now=now):
        return 0
    sweep(now=now)
    deadline = time.monotonic() + seconds

    def over() -> bool:
        return stop() or time.monotonic() > deadline

    accepted = _send_all(now, over)
    Heartbeat.beat(delivered_at=now)
    return accepted


def _send_all(now: dt.datetime, over: Callable[[], bool]) -> int:
    """One connection, and several once a mail server turns out to answer slowly: with a quick one
    they would only take each other's time.
    """
    with Worker(now=now) as first:
        few = first.send_group(over) < FIRST_GROUP
        if few or first.seconds_a_mail < SLOW_ANSWERS:
            first.run(over)
            return first.accepted
        others = range(settings.REMINDER_CONNECTIONS - 1)
        helpers = [Worker(now=now, seconds_a_mail=first.seconds_a_mail) for _one in others]
        threads = [threading.Thread(target=one.run_apart, args=(over,)) for one in helpers]
        for thread in threads:
            thread.start()
        try:
            first.run(over)
        finally:
            for thread in threads:
                thread.join()
    return first.accepted + sum(one.accepted for one in helpers)


@dataclass
class Group:
    """Rows that go together, each with its letter as the transport takes it; `sent` are those that
    the server has taken.
    """

    rows: list[Reminder]
    letters: list[Any]
    passed: set[int] = field(default_factory=set)  # the fence, and when
    fenced_at: float = 0.0
    begun: int = 0  # those from here on have surely not been sent
    sent: list[Reminder] = field(default_factory=list)


class Worker:
    """One connection to the mail server, and what it needs to use it; a context manager."""

    def __init__(self, *, now: dt.datetime, seconds_a_mail: float = 0.0) -> None:
        self.accepted = 0
        self.stopped = False  # no mail can be sent now
        self.seconds_a_mail = seconds_a_mail  # of the last group, for the mail server's part
        self._now = now
        self._days = clinic_days(now)
        self._transport: Transport = open_transport()
        self._journal = Journal()
        self._name = uuid.uuid4().hex

    def __enter__(self) -> Self:
        self._journal.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._transport.close()
        self._journal.__exit__(None, None, None)

    def run_apart(self, over: Callable[[], bool]) -> None:
        """`run` in a thread of its own, with a database connection of its own."""
        try:
            with self:
                self.run(over)
        except Exception:
            log.exception("A connection to the mail server ended early")
        finally:
            connection.close()

    def run(self, over: Callable[[], bool]) -> None:
        """Group after group, until nothing is ready."""
        while not self.stopped and not over() and self.send_group(over):
            pass

    def send_group(self, over: Callable[[], bool]) -> int:
        """Claim, render, fence and send one group; how many were claimed."""
        # The journal's mark says where a successor may look for what was begun.
        owner = f"{self._journal.mark}:{self._name}"
        claimed = table.claim(now=self._now, owner=owner, most=self._size(), days=self._days)
        if not claimed:
            return 0
        group = self._rendered(evidence.unreported(claimed, now=self._now))
        try:
            self._transport.ready()
        except Unreachable as error:
            self._give_up(group.rows[:1], error)
            table.take_back(group.rows[1:])
            return 0
        self._pass_the_fence(group)
        began = time.monotonic()
        self._carry(group, over)
        self.seconds_a_mail = (time.monotonic() - began) / len(claimed)
        return len(claimed)

    def _size(self) -> int:
        """As many as can be sent while the fence holds. Without a journal nobody could tell the
        mails of a group apart after a crash: then they go one by one.
        """
        if not self._journal.mark:
            return 1
        limit: int = settings.REMINDER_GROUP
        if not self.seconds_a_mail:
            return min(FIRST_GROUP, limit)
        return min(max(int(FENCE_HOLDS / self.seconds_a_mail), FIRST_GROUP), limit)

    def _rendered(self, claimed: Sequence[Reminder]) -> Group:
        group = Group([], [])
        for row in claimed:
            try:
                letter = self._render(row)
            except UnableToRender:
                _settle(row, State.RETRY_WAIT, self._now, "render", max_tries=MAX_RENDERINGS)
                continue
            group.rows.append(row)
            group.letters.append(letter)
        return group

    def _render(self, row: Reminder) -> Any:  # noqa: ANN401 - as the transport takes it
        """The mail, ready to be sent. Raises UnableToRender, whatever is wrong with this row."""
        if not row.doubt:
            row.dated_at = self._now  # a second copy bears the first one's date
        row.message_id = message_id_of(row)
        row.sent_on = rules.day_of(row.kind, self._now, row.zone, visit_at=row.visit_at)
        try:
            letter = emails.compose(row, now=self._now)
            row.subject, row.body_text = letter.subject, letter.kept_text
            row.told_due_on = letter.told_due_on
            return self._transport.prepare(letter, row.message_id)
        except Exception as error:  # noqa: BLE001 - one bad row must not stop the others
            # The error's own words may quote a name or an address.
            log.error("reminder %s cannot be rendered: %s", row.pk, type(error).__name__)  # noqa: TRY400
            raise UnableToRender from None

    def _pass_the_fence(self, group: Group) -> None:
        """Keep those that are still true; the others go back."""
        group.passed = table.fence(group.rows, now=self._now)
        both = zip(group.rows, group.letters, strict=True)
        kept = [(row, letter) for row, letter in both if row.pk in group.passed]
        table.release([row for row in group.rows if row.pk not in group.passed], now=self._now)
        group.rows, group.letters = [row for row, _ in kept], [letter for _, letter in kept]
        group.fenced_at = time.monotonic()

    def _carry(self, group: Group, over: Callable[[], bool]) -> None:
        """Hand the letters over, write a receipt for each, and settle them together."""

        def go(number: int) -> bool:
            if over() or not self._still_true(group, number):
                return False
            if not self._journal.begin(_mark(group.rows[number])):
                return False
            group.begun = number + 1
            return True

        answered = 0
        try:
            for number, refusal in self._transport.hand_over(group.letters, go):
                row, answered = group.rows[number], number + 1
                if refusal is None:
                    self._journal.accept(_mark(row))
                    group.sent.append(row)
                else:
                    _settle(row, OUTCOMES[type(refusal)], self._now, refusal.code)
        except Unreachable as error:
            self._give_up(group.rows[answered : answered + 1], error)
            answered += 1
        finally:
            self._settle_sent(group)
            table.take_back(group.rows[max(answered, group.begun) :])

    def _still_true(self, group: Group, number: int) -> bool:
        """Whether the letter may go: the fence is fresh, or is passed once more."""
        if time.monotonic() - group.fenced_at >= FENCE_HOLDS:
            group.passed = table.fence_again(group.rows[number:], now=self._now)
            group.fenced_at = time.monotonic()
        return bool(group.rows[number].pk in group.passed)

    def _settle_sent(self, group: Group) -> None:
        """The receipts are on the disk before the database says "accepted"."""
        self._journal.sync()
        if group.sent:
            _patiently(lambda: table.accept(group.sent, now=self._now))
            self.accepted += len(group.sent)

    def _give_up(self, rows: Sequence[Reminder], error: Unreachable) -> None:
        """The mail server is away, for all rows alike."""
        log.warning("No mail can be sent now (%s)", error.code)
        self.stopped = True
        for row in rows:
            _settle(row, State.RETRY_WAIT, self._now, error.code)


def _settle(
    row: Reminder, state: State, now: dt.datetime, error: str, *, max_tries: int = MAX_TRIES
) -> None:
    if not _patiently(
        lambda: table.settle(row, state=state, now=now, error=error, max_tries=max_tries)
    ):
        log.warning("reminder %s: %s came too late", row.pk, state)


def _patiently(write: Callable[[], Written]) -> Written:
    """A database that is away for a moment must not make us forget a receipt."""
    for pause in range(COMMIT_TRIES):
        try:
            return write()
        except (DatabaseError, InterfaceError):
            log.warning("The database is away")
            time.sleep(pause)
            close_old_connections()
    return write()


def _mark(row: Reminder) -> str:
    """The row's Message-ID, which it has from its rendering on."""
    assert row.message_id is not None  # noqa: S101 - see _render
    return row.message_id


class UnableToRender(Exception):  # noqa: N818 - reads as a sentence, like the schedule's verbs
    """The mail cannot be made from the row."""
