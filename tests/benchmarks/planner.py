"""A database with so many courses, and what planning does with it, step by step."""

import datetime as dt
import time
from collections.abc import Callable

from django.db import connection, transaction

from ocrevus_tracker.accounts.models import Clinic
from reminders import outbox, policy_rules, rules
from reminders.models import Heartbeat, Reminder, State
from schedules.models import Course

from . import filling
from .hands import serve
from .side_by_side import seconds

DUE = 3000  # people who hear on the day that it is time to book
DAY = dt.date(2026, 3, 12)
# The last minutes of the day before, and the first ones of the day.
EVE = dt.datetime(2026, 3, 11, 23, 46, tzinfo=dt.UTC)
MORNING = dt.datetime(2026, 3, 12, 0, 1, tzinfo=dt.UTC)
KIND = "book-1"
HALF_A_YEAR = range(-60, 111)  # days from DAY to the due dates of the others


def fill(count: int) -> None:
    """`count` courses. On DAY a window opens for DUE of them, and for nobody else."""
    person = filling.make_clinic("UTC", EVE)
    opening = {-rule.first_day for rule in _rules() if rule.anchor == "due"}
    spread = [DAY + dt.timedelta(days=n) for n in HALF_A_YEAR if n not in opening]
    due = min(DUE, count // 2)
    filling.courses(person, due, _due_on(), more=count - due, spread=spread)
    for day in spread:
        _remind(day)


def settle() -> list[int]:
    """One whole pass, as after an upgrade, and how long it took (ms). It has nothing to add."""
    began = time.perf_counter()
    added = outbox.plan(now=EVE)
    spent = time.perf_counter() - began
    assert added == 0, f"{added} rows were missing"
    return [Course.objects.count(), Reminder.objects.count(), round(spent * 1000)]


def _rules() -> tuple[rules.Rule, ...]:
    clinic = Clinic.objects.get()
    return policy_rules.policy_for(
        booking_opens_days=clinic.booking_opens_days, late_after_days=clinic.late_after_days
    )


def _due_on() -> dt.date:
    """The due date for which booking opens on DAY."""
    return DAY + dt.timedelta(days=Clinic.objects.get().booking_opens_days)


def _remind(day: dt.date) -> None:
    """The mail that goes to those due on `day`, sent when its window opened."""
    for rule in _rules():
        fit = None
        if rule.anchor == "due" and "maintenance" in rule.steps:
            fit = rules.fit(rule, anchor_on=day, now=EVE, zone=rules.zone_of("UTC"))
        if fit:
            sent = _stored(fit.not_before)
            insert(
                fit, state=f"'{State.ACCEPTED}'", message_id=f"'{rule.kind}-' || id",
                told_due_on="next_due_on", sent_on=f"'{fit.not_before.date()}'",
                dated_at=f"'{sent}'", accepted_at=f"'{sent}'",
            )  # fmt: skip


def insert(fit: rules.Fit, **more: str) -> None:
    """The floor: the database's own INSERT … SELECT for all that are due on one date."""
    columns = {
        "patient_id": "patient_id", "course_id": "id", "due_version": "due_version",
        "kind": f"'{fit.kind}'", "due_on": "next_due_on",
        "next_at": f"'{_stored(fit.not_before)}'", "not_after": f"'{_stored(fit.not_after)}'",
    } | more  # fmt: skip
    statement = (  # made of our own names
        f"INSERT INTO reminders_reminder ({', '.join(columns)}) "  # noqa: S608
        f"SELECT {', '.join(columns.values())} FROM schedules_course "
        "WHERE stopped_on IS NULL AND next_due_on = %s ON CONFLICT DO NOTHING"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [fit.due_on])


def _stored(moment: dt.datetime) -> str:
    """As this database keeps it."""
    return str(connection.ops.adapt_datetimefield_value(moment))


# -- what is timed: each answers in seconds ------------------------------------


def select_one(times: int) -> float:
    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()

    return seconds(ask, times=times)


def idle(times: int) -> float:
    """A tick with nothing to do, soon after another one."""
    _is_planned()
    return seconds(lambda: outbox.tick(now=EVE + dt.timedelta(seconds=10)), times=times)


def idle_minute() -> float:
    """A tick with nothing to do a minute after the last one: it writes down that it was there."""
    _is_planned()
    return seconds(lambda: outbox.tick(now=EVE + dt.timedelta(minutes=1)))


def by_tick() -> float:
    return _timed(lambda: outbox.tick(now=MORNING))


def by_insert() -> float:
    return _timed(lambda: insert(_fit()))


def by_bulk_create() -> float:
    return _timed(_bulk_create)


def _bulk_create() -> None:
    """As one would with the ORM alone."""
    fit = _fit()
    due = Course.objects.open().filter(next_due_on=fit.due_on)
    with transaction.atomic():
        Reminder.objects.bulk_create(
            (
                Reminder(
                    patient_id=patient, course_id=course, due_version=version, kind=fit.kind,
                    due_on=fit.due_on, next_at=fit.not_before, not_after=fit.not_after,
                )
                for course, patient, version in due.values_list("pk", "patient_id", "due_version")
            ),
            ignore_conflicts=True,
        )  # fmt: skip


def _timed(plan: Callable[[], object]) -> float:
    """How long it takes to plan what DAY brings; then it is as it was."""
    _is_planned()
    spent = seconds(plan)
    new = Reminder.objects.filter(kind=KIND, due_on=_due_on())
    wanted = Course.objects.filter(next_due_on=_due_on()).count()
    assert new.count() == wanted, f"{new.count()} of {wanted} rows were made"
    new.delete()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM reminders_reminder")
    return spent


def _fit() -> rules.Fit:
    rule = next(rule for rule in _rules() if rule.kind == KIND)
    fit = rules.fit(rule, anchor_on=_due_on(), now=MORNING, zone=rules.zone_of("UTC"))
    assert fit is not None
    return fit


def _is_planned() -> None:
    """The last pass was on the eve, and there was nothing left to do."""
    Heartbeat.beat(planned_at=EVE, reviewed_at=EVE)


def main() -> None:
    commands = (fill, settle, select_one, idle, idle_minute, by_tick, by_insert, by_bulk_create)
    serve(**{one.__name__: one for one in commands})
