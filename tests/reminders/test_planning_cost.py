"""What a midnight costs does not grow with the number of patients: no statement of a tick needs to
read a whole table of theirs, on either database.
"""

import json
import re
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reminders import outbox
from reminders.models import Heartbeat, Reminder
from schedules.models import Course
from tests.cast import NOW, TODAY, book, days, make_patient

from .conftest import due_course, hold, local, put_right, told

pytestmark = pytest.mark.django_db

# Those that grow with the people and the years; clinics and their staff are few.
LARGE = {
    *("schedules_patient", "schedules_course", "schedules_infusion", "schedules_appointment"),
    *("schedules_hold", "schedules_datemove", "reminders_reminder", "reminders_deadaddress"),
    "reminders_preference",
}


@pytest.fixture
def midnight(harbor, rosa):
    """A day that brings something of each kind begins now."""
    due_course(harbor, rosa, due_in=71, name="Ana")
    book(make_patient(harbor, rosa, "Ben").course, rosa, TODAY + days(8))
    book(make_patient(harbor, rosa, "Eva").course, rosa, TODAY + days(2))
    hold(due_course(harbor, rosa, due_in=60, name="Dan"), rosa, starts_in=1)
    course = due_course(harbor, rosa, due_in=50, name="Lea")
    told(course, at=NOW - days(1))
    put_right(course, TODAY + days(90), at=NOW)
    make_patient(harbor, rosa, "Noa", time_zone="Europe/Madrid")
    outbox.plan(now=NOW)
    moment = local(harbor, TODAY + days(1), 0)
    Heartbeat.beat(planned_at=moment - days(1) / 24, reviewed_at=moment)
    return moment


def test_a_midnight_reads_no_table_of_the_patients_whole(midnight):
    with CaptureQueriesContext(connection) as questions:
        assert outbox.tick(now=midnight) > 0
    asked = [one["sql"] for one in questions if re.match("SELECT|UPDATE|INSERT|EXEC", one["sql"])]
    assert sum(sql.startswith('INSERT INTO "reminders_reminder"') for sql in asked) >= 3
    whole = {sql: found for sql in asked if (found := set(read_whole(sql)))}
    assert whole == {}


def test_a_question_without_an_index_would_be_noticed(harbor, rosa):
    due_course(harbor, rosa, due_in=60)
    with CaptureQueriesContext(connection) as questions:
        list(Course.objects.filter(next_dose_mg=600))
        list(Reminder.objects.filter(last_error="smtp-451").select_related("course"))
    found = [set(read_whole(one["sql"])) for one in questions]
    assert [bool(one) for one in found] == [True, True]


def read_whole(sql: str) -> Iterator[str]:
    """The large tables that `sql` cannot but read from the first row to the last."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            yield from _scanned(sql, [line[-1] for line in cursor.fetchall()])
            return
        # Tables of two rows: without this it would rightly read them all. It takes them for new
        # ones, of which nobody has counted the rows, until the test is over.
        cursor.execute(
            "UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE relname = ANY(%s)",
            [sorted(LARGE)],
        )
        cursor.execute(
            "DELETE FROM pg_statistic WHERE starelid::regclass::text = ANY(%s)", [sorted(LARGE)]
        )
        for other_way in ("seqscan", "hashjoin", "mergejoin"):
            cursor.execute(f"SET LOCAL enable_{other_way} = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        [[answer]] = cursor.fetchall()
        plan = json.loads(answer) if isinstance(answer, str) else answer
        cursor.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NULL")
        of_all_rows = {name for [name] in cursor.fetchall()}
        yield from _without_condition(plan[0]["Plan"], of_all_rows)


def _scanned(sql: str, steps: list[str]) -> Iterator[str]:
    """SQLite's steps that go through a whole table. One that has a partial index to go through
    reads what the index holds.
    """
    for step in steps:
        if found := re.fullmatch(r"SCAN (\w+)(?: USING INTEGER PRIMARY KEY)?", step):
            alias = found[1]
            yield from LARGE & {alias, *re.findall(rf'"(\w+)" {alias}\b', sql)}


def _without_condition(node: dict, of_all_rows: set[str]) -> Iterator[str]:
    """PostgreSQL's steps likewise; a step through an index may come as two, the index's first."""
    reads_all = node.get("Index Name") in of_all_rows and "Index Cond" not in node
    if reads_all or node["Node Type"] == "Seq Scan":
        yield from LARGE & {node.get("Relation Name", "reminders_reminder")}
    for child in node.get("Plans", []):
        yield from _without_condition(child, of_all_rows)
