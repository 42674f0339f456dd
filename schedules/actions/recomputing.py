"""Computing every stored next dose anew, in batches: after a change of rules, or a restore."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from ocrevus_tracker.accounts.models import Clinic
from ocrevus_tracker.audit import trail
from schedules.engine.forecast import HistoryError, Hold, Infusion, Restart, forecast
from schedules.engine.regimens import REGIMENS
from schedules.models import GIVEN_FIELDS, NEXT_FIELDS, Course, as_given, next_fields
from schedules.models import Hold as HoldRow
from schedules.models import Infusion as InfusionRow
from schedules.models import Restart as RestartRow

STORED = ("pk", "due_version", *NEXT_FIELDS)
READ = (*STORED, "regimen_code", "regimen_version", "ordered_for", "continues_id")


@dataclass(slots=True)
class Recomputed:
    """What one batch came to. `refused` are ids of courses whose history cannot be true."""

    read: int = 0
    changed: int = 0
    refused: list[int] = field(default_factory=list)


def recompute_courses(
    *, clinic: Clinic, now: dt.datetime, batch: int = 1000
) -> Iterator[Recomputed]:
    """Compute the next dose of each open course of `clinic` anew; one answer a batch.

    Only a course whose next dose differs from the stored one is written, and only if nobody has
    changed it since it was read: whoever did has computed it anew as well. `now` is aware UTC;
    its date at the clinic is `today`. Takes the same memory for any number of courses.
    """
    today = clinic.local_date(now)
    changed = last = 0
    while rows := _next_rows(clinic, after=last, batch=batch):
        last = rows[-1]["pk"]
        done, writes = _forecast_batch(clinic, rows, today)
        done.changed = _write(writes)
        changed += done.changed
        yield done
    if changed:
        reason = f"{changed} next doses changed"
        trail.record(
            at=now, actor=None, clinic=clinic, act="recompute", subject=clinic, reason=reason
        )


def _next_rows(clinic: Clinic, *, after: int, batch: int) -> list[dict[str, Any]]:
    courses = Course.objects.open().filter(patient__clinic=clinic, pk__gt=after)
    return list(courses.order_by("pk").values(*READ)[:batch])


@dataclass(slots=True)
class _Facts:
    """What a batch of forecasts reads, by course."""

    history: dict[int, list[Infusion]]
    holds: dict[int, list[Hold]]
    restarts: dict[int, list[Restart]]


def _facts(clinic: Clinic, ids: list[int], today: dt.date) -> _Facts:
    """Three queries, whatever the batch; by range, for there may be more ids than a query takes."""
    between = {
        "course__gte": ids[0],
        "course__lte": ids[-1],
        "course__stopped_on": None,
        "course__patient__clinic": clinic,
    }
    history, holds, restarts = defaultdict(list), defaultdict(list), defaultdict(list)
    given = InfusionRow.objects.counting().filter(**between, given_on__lte=today)
    for course_id, *values in given.values_list("course_id", *GIVEN_FIELDS).order_by():
        history[course_id].append(as_given(values))
    for hold in HoldRow.objects.counting().filter(**between):
        holds[hold.course_id].append(hold.as_held())
    for restart in RestartRow.objects.filter(**between, voided_at=None):
        restarts[restart.course_id].append(restart.as_chosen())
    return _Facts(history, holds, restarts)


def _forecast_batch(
    clinic: Clinic, rows: list[dict[str, Any]], today: dt.date
) -> tuple[Recomputed, list[tuple[Any, ...]]]:
    """The batch's figures, and what is to be written: the new fields, the id, the version read."""
    facts = _facts(clinic, [row["pk"] for row in rows], today)
    done, writes = Recomputed(read=len(rows)), []
    for row in rows:
        try:
            new = _next_of(row, facts, today)
        except HistoryError:
            done.refused.append(row["pk"])
            continue
        if any(row[name] != new[name] for name in NEXT_FIELDS):
            writes.append((*(new[name] for name in NEXT_FIELDS), row["pk"], row["due_version"]))
    return done, writes


def _next_of(row: dict[str, Any], facts: _Facts, today: dt.date) -> dict[str, Any]:
    """The fields of the next dose.

    Raises:
        HistoryError: the history cannot be true.
    """
    pk = row["pk"]
    if row["continues_id"]:  # rare: the regimen before has its own history
        return next_fields(Course.objects.with_history().get(pk=pk).forecast(today))
    found = forecast(
        REGIMENS[row["regimen_code"], row["regimen_version"]],
        today=today,
        history=facts.history.get(pk, ()),
        ordered_for=row["ordered_for"],
        holds=facts.holds.get(pk, ()),
        restarts=facts.restarts.get(pk, ()),
    )
    return next_fields(found)


def _write(writes: list[tuple[Any, ...]]) -> int:
    """Write one batch in one transaction; how many rows still stood as they were read."""
    if not writes:
        return 0
    sql = _update_statement()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(sql, [_as_stored(values) for values in writes])
        return int(cursor.rowcount)


def _update_statement() -> str:
    """A statement for many rows: the ORM has none that compares and sets each row by itself."""
    quoted = connection.ops.quote_name
    columns = ", ".join(f"{quoted(name)} = %s" for name in NEXT_FIELDS)
    return (
        f"UPDATE {quoted(Course._meta.db_table)} "  # noqa: S608, SLF001 - names of our own model
        f"SET {columns}, due_version = due_version + 1, unplanned = true "
        "WHERE id = %s AND due_version = %s"
    )


def _as_stored(values: tuple[Any, ...]) -> list[Any]:
    """The values as the database driver takes them."""
    adapt = connection.ops.adapt_datefield_value
    return [adapt(value) if isinstance(value, dt.date) else value for value in values]
