"""The moves of a row from state to state. Each is one conditional UPDATE for a whole group, and
the rows it changed say who won; so it works alike on PostgreSQL and SQLite, and no transaction is
ever open while the network is used.
"""

import datetime as dt
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import BooleanField, F, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from ocrevus_tracker.accounts.models import Clinic
from reminders import rules
from reminders.emails import COLUMNS, NEEDS
from reminders.lookups import OneOf
from reminders.models import WAITING, Reminder, ReminderQuerySet, State
from reminders.stopping import Days, clinic_days

# Of the row itself what a mail is made of, and what its holder writes by. A column that is not
# here would be read row by row.
OWN_COLUMNS = (
    *("patient", "course", "appointment", "helper", "member", "corrects", "date_move"),
    *("resend_of", "kind", "due_on", "visit_at", "recipient", "next_at", "attempt", "tries"),
    *("doubt", "message_id", "dated_at", "patient_invitation", "staff_invitation"),
)
RETRY_MINUTES = (1, 5, 15, 60)


def claim(
    *, now: dt.datetime, owner: str, most: int = 0, days: Days | None = None
) -> list[Reminder]:
    """Take rows that are ready at `now`, still true, and within sending hours: at `most` so many,
    or a group.

    They are CLAIMED for `owner` (unique to the caller) until the lease ends; nobody else gets
    them. An empty list means that nothing is ready. At most one of each recipient's day: the
    others wait for the next. `days` are the clinics' local dates, if they are at hand.
    """
    days = days or clinic_days(now)
    for candidates in _candidates(now, days, most or settings.REMINDER_GROUP):
        chosen = _one_a_day([row for row in candidates if not _wrong_hour(row, now)], now)
        taken = (
            Reminder.objects.filter(_these(chosen), state__in=WAITING)
            .filter(_true_on(days))
            .update(
                state=State.CLAIMED, owner=owner, attempt=F("attempt") + 1, lease_until=_lease()
            )
        )
        if taken:
            return _mine(chosen, owner, everyone=taken == len(chosen))
    return []


def fence(rows: Sequence[Reminder], *, now: dt.datetime) -> set[int]:
    """The last look before the mails leave: CLAIMED becomes ON_WIRE, where all is as it was.

    Left out are rows whose lease is over, that somebody else holds, whose date or recipient has
    changed meanwhile, with a hold in force on the clinic's local date at `now` (aware), or whose
    recipient has had a mail today. Keeps subject and text as they are being sent, and the due
    date that they name. Returns the ids of those that passed.
    """
    if not rows:
        return set()
    try:
        with transaction.atomic():
            return _fence(rows, now)
    except IntegrityError:
        # One of them is a second mail on one day; find out which.
        if len(rows) == 1:
            return set()
        return {pk for row in rows for pk in fence([row], now=now)}


def fence_again(rows: Sequence[Reminder], *, now: dt.datetime) -> set[int]:
    """Of rows that passed the fence a while ago the ids of those that pass it now; their lease
    begins anew.
    """
    held = _held(rows, State.ON_WIRE).filter(lease_until__gt=Now())
    true = _true_on(_days_of(rows, now))
    held.filter(true).update(lease_until=_lease())
    # Asked once more, because an update tells how many and not which.
    return set(held.filter(true).values_list("pk", flat=True))


def accept(rows: Sequence[Reminder], *, now: dt.datetime) -> int:
    """The mail server has taken these. One that was swept up while it was slow was sent after
    all, unless somebody else has claimed it since.
    """
    return _held(rows, State.ON_WIRE, State.IN_DOUBT).update(
        state=State.ACCEPTED, accepted_at=now, last_error="", tries=F("tries") + 1
    )


def settle(
    row: Reminder, *, state: State, now: dt.datetime, error: str = "", max_tries: int = 0
) -> State | None:
    """Write down what became of an attempt that was not accepted; returns the state that holds
    now, or None when it came too late.

    `state` is RETRY_WAIT, FAILED or IN_DOUBT. A retry after `max_tries` tries is FAILED. What was
    surely not sent no longer takes up its recipient's day.
    """
    tries = row.tries + 1
    if state == State.RETRY_WAIT and tries >= max_tries:
        state = State.FAILED
    changes: dict[str, Any] = {"state": state, "last_error": error, "tries": tries}
    if state == State.IN_DOUBT:
        grace = dt.timedelta(seconds=settings.REMINDER_GRACE_SECONDS)
        changes |= {"doubt": F("doubt") + 1, "next_at": now + grace}
    else:
        changes["sent_on"] = None
    if state == State.RETRY_WAIT:
        minutes = RETRY_MINUTES[min(row.tries, len(RETRY_MINUTES) - 1)]
        changes["next_at"] = now + dt.timedelta(minutes=minutes)
    return state if _held([row], State.ON_WIRE, State.CLAIMED).update(**changes) else None


def release(rows: Sequence[Reminder], *, now: dt.datetime) -> None:
    """Give back what was claimed and did not pass the fence. Whoever has had a mail today gets
    this one on another day, if it still fits then.
    """
    for row in rows:
        opens = rules.tomorrow(row.kind, now, row.zone) if _has_had_one(row, now) else row.next_at
        _held([row], State.CLAIMED).update(state=State.PLANNED, lease_until=None, next_at=opens)


def take_back(rows: Sequence[Reminder]) -> int:
    """These were fenced, and surely not sent."""
    return _held(rows, State.ON_WIRE, State.CLAIMED).update(
        state=State.PLANNED, lease_until=None, sent_on=None
    )


def _candidates(now: dt.datetime, days: Days, most: int) -> Iterator[list[Reminder]]:
    """The rows that are ready, at `most` so many at a time, the first ones first.

    First their ids, by the index; only of these is asked whether they are still true. Asked of all
    at once, PostgreSQL would read all courses to find a hundred.
    """
    ready = Reminder.objects.filter(state__in=WAITING, next_at__lte=now, not_after__gt=now)
    last: tuple[dt.datetime, int] | None = None
    while True:
        after = ready
        if last:
            later = Q(next_at__gt=last[0]) | Q(next_at=last[0], pk__gt=last[1])
            after = ready.filter(later, next_at__gte=last[0])
        ids = list(after.order_by("next_at", "pk").values_list("next_at", "pk")[:most])
        if not ids:
            return
        last = ids[-1]
        rows = Reminder.objects.filter(_true_on(days), OneOf("pk", [pk for _at, pk in ids]))
        whole = rows.select_related(*NEEDS).only(*OWN_COLUMNS, *COLUMNS)
        yield _with_clinics(whole.order_by("next_at", "pk"))


def _with_clinics(rows: Iterable[Reminder]) -> list[Reminder]:
    """The rows, the patients of one clinic with one copy of it: a group is of few clinics."""
    rows = list(rows)
    people = [row.patient for row in rows if row.patient]
    clinics = Clinic.objects.in_bulk({patient.clinic_id for patient in people})
    for patient in people:
        patient.clinic = clinics[patient.clinic_id]
    return rows


def _wrong_hour(row: Reminder, now: dt.datetime) -> bool:
    """Whether it is the wrong hour where the recipient lives; then the row waits for the right."""
    opens = rules.next_opening(row.kind, now, row.zone)
    if opens <= now:
        return False
    _put_off(row, opens)
    return True


def _put_off(row: Reminder, until: dt.datetime) -> None:
    waiting = Reminder.objects.filter(pk=row.pk, state__in=WAITING, attempt=row.attempt)
    waiting.update(next_at=until)


def _one_a_day(rows: Sequence[Reminder], now: dt.datetime) -> list[Reminder]:
    """Those that may be their recipient's only mail of the day, the most urgent first; the others
    are put off.
    """
    taken = _days_taken(rows, now)
    chosen = []
    for row in sorted(rows, key=lambda one: rules.urgency(one.kind)):
        day = rules.day_of(row.kind, now, row.zone, visit_at=row.visit_at)
        mark = (row.patient_id, row.recipient, day)
        if day and mark in taken:
            _put_off(row, rules.tomorrow(row.kind, now, row.zone))
            continue
        taken.add(mark)
        chosen.append(row)
    return chosen


Mark = tuple[int | None, str, dt.date | None]


def _days_taken(rows: Sequence[Reminder], now: dt.datetime) -> set[Mark]:
    """Which recipients of `rows` have a mail today already, sent or on its way."""
    around = [now.date() + dt.timedelta(days=number) for number in (-1, 0, 1)]
    people = {row.patient_id for row in rows if row.patient_id is not None}
    found = Reminder.objects.filter(OneOf("patient_id", people), sent_on__in=around)
    found = found.exclude(_these(rows))
    return set(found.values_list("patient_id", "recipient", "sent_on"))


def _has_had_one(row: Reminder, now: dt.datetime) -> bool:
    day = rules.day_of(row.kind, now, row.zone, visit_at=row.visit_at)
    return day is not None and (row.patient_id, row.recipient, day) in _days_taken([row], now)


def _mine(chosen: Sequence[Reminder], owner: str, *, everyone: bool) -> list[Reminder]:
    """Those that were claimed, as they are now. They need not be read again: what else a mail is
    made of is looked at once more at the fence, through the course's version.
    """
    if not everyone:
        held = Reminder.objects.filter(_these(chosen), state=State.CLAIMED, owner=owner)
        pks = set(held.values_list("pk", flat=True))
        chosen = [row for row in chosen if row.pk in pks]
    for row in chosen:
        row.state, row.owner, row.attempt = State.CLAIMED, owner, row.attempt + 1
    return list(chosen)


def _fence(rows: Sequence[Reminder], now: dt.datetime) -> set[int]:
    true = Reminder.objects.filter(_true_on(_days_of(rows, now)), _these(rows))
    condition, condition_params = true.order_by().values("pk").query.sql_with_params()
    clock, clock_params = _sql_of(Now())
    lease, lease_params = _sql_of(_lease())
    with connection.cursor() as cursor:
        cursor.execute(
            _FENCE.format(said=_said(), set=_SET, lease=lease, now=clock, true=condition),
            [_as_json(rows), *lease_params, rows[0].owner, *clock_params, *condition_params],
        )
        return {pk for (pk,) in cursor.fetchall()}


# What is said, as it is being sent.
SAID = ("message_id", "dated_at", "subject", "body_text", "told_due_on", "sent_on")
_SET = ", ".join(f"{name} = said.{name}" for name in SAID)
# Each row with texts of its own in one statement, which the ORM has no word for. The conditions
# on the row itself are outside the subquery: PostgreSQL looks at those again after it has waited
# for another worker.
_FENCE = (
    "WITH said AS MATERIALIZED ({said}) "
    "UPDATE reminders_reminder SET state = 'ON_WIRE', lease_until = {lease}, {set} "
    "FROM said WHERE reminders_reminder.id = said.id "
    "AND reminders_reminder.attempt = said.attempt AND reminders_reminder.state = 'CLAIMED' "
    "AND reminders_reminder.owner = %s AND reminders_reminder.lease_until > {now} "
    "AND reminders_reminder.id IN ({true}) RETURNING reminders_reminder.id"
)
_OF_EACH = ("id", "attempt", *SAID)


def _said() -> str:
    """A SELECT of what each row says, out of the one parameter that `_as_json` makes. As many
    parameters as there are values would take longer to read than the mails to write.
    """
    if connection.vendor == "postgresql":
        fields = [Reminder._meta.get_field(name) for name in _OF_EACH]  # noqa: SLF001 - public
        types = ", ".join(f"{one.column} {one.db_type(connection)}" for one in fields)  # type: ignore[union-attr]
        return f"SELECT * FROM json_to_recordset(%s) AS given ({types})"  # noqa: S608 - our own names
    values = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in _OF_EACH)
    return f"SELECT {values} FROM json_each(%s)"  # noqa: S608 - our own names


def _as_json(rows: Sequence[Reminder]) -> str:
    read = attrgetter(*_OF_EACH)
    said = [dict(zip(_OF_EACH, read(row), strict=True)) for row in rows]
    return json.dumps(said, default=_as_stored, ensure_ascii=False)


@lru_cache(maxsize=100)
def _as_stored(moment: dt.date) -> str:
    """A date or a datetime, as this database writes it."""
    if isinstance(moment, dt.datetime):
        return str(connection.ops.adapt_datetimefield_value(moment))
    return str(connection.ops.adapt_datefield_value(moment))


def _true_on(days: Days) -> RawSQL:
    """The condition of `ReminderQuerySet.true_on`, put into SQL once for each day: building it
    costs more than asking it, and each group asks four times.
    """
    sql, params = _compiled(tuple((day, tuple(zones)) for day, zones in sorted(days.items())))
    return RawSQL(sql, params, BooleanField())  # noqa: S611 - built from our own models


@lru_cache(maxsize=8)
def _compiled(days: tuple[tuple[dt.date, tuple[str, ...]], ...]) -> tuple[str, tuple[Any, ...]]:
    query = Reminder.objects.true_on(dict(days)).query
    sql, params = query.get_compiler(connection=connection).compile(query.where)
    return sql, tuple(params)


def _sql_of(expression: Any) -> tuple[str, Sequence[Any]]:  # noqa: ANN401 - any expression
    query = Reminder.objects.all().query
    sql, params = query.get_compiler(connection=connection).compile(
        expression.resolve_expression(query)
    )
    return sql, params


def _days_of(rows: Sequence[Reminder], now: dt.datetime) -> Days:
    """The local dates at the clinics of these rows, and at no others."""
    return clinic_days(now, zones={row.clinic.time_zone for row in rows})


def _held(rows: Collection[Reminder], *states: State) -> ReminderQuerySet:
    """Those of `rows` that are in one of `states` and still in the same hands."""
    return Reminder.objects.filter(
        _these(rows), owner__in={row.owner for row in rows}, state__in=states
    )


def _these(rows: Collection[Reminder]) -> OneOf:
    return OneOf("pk", [row.pk for row in rows])


def _lease() -> Any:  # noqa: ANN401 - an expression
    """Until when a claim holds, by the database's clock: workers' clocks may differ."""
    return Now() + dt.timedelta(seconds=settings.REMINDER_LEASE_SECONDS)
