"""The planner's question of each minute: is there anything to do?"""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

# A pass over everything, however little seems to have changed.
REVIEW_EVERY = dt.timedelta(hours=1)
# Every time zone's midnight is at a full quarter of an hour of UTC.
QUARTER = 15 * 60
BEAT_AFTER = dt.timedelta(seconds=30)

# Written out because building it anew each minute would cost more than asking it. The moments are
# text: that is what SQLite keeps, and on PostgreSQL reading it here is cheaper.
QUESTION = (
    "SELECT CAST(planned_at AS text), CAST(reviewed_at AS text), "
    "EXISTS (SELECT 1 FROM schedules_course WHERE unplanned), "
    "EXISTS (SELECT 1 FROM reminders_reminder "
    "WHERE state IN ('PLANNED', 'RETRY_WAIT') AND not_after <= {now}), "
    "EXISTS (SELECT 1 FROM schedules_patientinvitation WHERE unplanned) "
    "OR EXISTS (SELECT 1 FROM accounts_staffinvitation WHERE unplanned) "
    "FROM reminders_heartbeat WHERE id = 1"
)
# The connections to PostgreSQL that have the question prepared.
_prepared: WeakSet[object] = WeakSet()


@dataclass(frozen=True, slots=True)
class Calls:
    """What there is to do at a moment. The last pass was at `planned_at`."""

    planned_at: dt.datetime | None
    for_review: bool
    for_a_new_day: bool
    for_changes: bool
    for_expiry: bool
    for_invitations: bool
    for_a_beat: bool


def calls_at(now: dt.datetime) -> Calls:
    """One statement of a few index look-ups, whatever the number of patients."""
    nothing = (None, None, False, False, False)
    planned, reviewed, for_changes, for_expiry, for_invitations = _ask(now) or nothing
    if planned is None or reviewed is None:
        return Calls(None, True, False, False, False, False, False)
    planned_at, reviewed_at = _moment(planned), _moment(reviewed)
    return Calls(
        planned_at,
        for_review=not reviewed_at <= now < reviewed_at + REVIEW_EVERY,
        for_a_new_day=planned_at.timestamp() // QUARTER != now.timestamp() // QUARTER,
        for_changes=bool(for_changes),
        for_expiry=bool(for_expiry),
        for_invitations=bool(for_invitations),
        for_a_beat=planned_at <= now - BEAT_AFTER,
    )


def _ask(now: dt.datetime) -> Any:  # noqa: ANN401 - a row
    database = connections[DEFAULT_DB_ALIAS]  # looked up once: each time costs as well
    if database.vendor == "postgresql":
        try:
            return _ask_prepared(database, now)
        except DatabaseError:
            # Whoever stands between us and the server may give each statement another session.
            _prepared.discard(database.connection)
    with database.cursor() as cursor:
        moment = database.ops.adapt_datetimefield_value(now)
        cursor.execute(QUESTION.format(now="%s"), [moment])
        return cursor.fetchone()


def _ask_prepared(database: BaseDatabaseWrapper, now: dt.datetime) -> Any:  # noqa: ANN401 - a row
    """PostgreSQL takes longer to plan the question, with all the indexes there are, than to
    answer it; so it plans once for each connection.
    """
    with database.cursor() as cursor:
        if database.connection not in _prepared:
            question = QUESTION.format(now="$1")
            cursor.execute(f"PREPARE planner_calls (timestamptz) AS {question}")
            _prepared.add(database.connection)
        cursor.execute(f"EXECUTE planner_calls ('{now}')")
        return cursor.fetchone()


def _moment(text: str) -> dt.datetime:
    """SQLite keeps UTC and does not say so."""
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
