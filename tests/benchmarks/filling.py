"""Made-up courses by the million: one row of each kind made by hand, copied by the database."""

import datetime as dt
from collections.abc import Sequence

from django.db import connection, models

from ocrevus_tracker.accounts.models import Clinic
from schedules.models import Course, Patient

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s) "


def make_clinic(time_zone: str, now: dt.datetime) -> Patient:
    """A clinic with one person, who will be copied."""
    clinic = Clinic.objects.create(
        name="Bench Clinic",
        slug="bench",
        time_zone=time_zone,
        phone="(555) 010-0142",
        hours="Monday to Friday, 8 a.m. to 5 p.m.",
        address="12 Shore Road, Harbor",
    )
    return Patient.objects.create(
        clinic=clinic,
        record_number="0",
        given_name="Made",
        family_name="Up",
        date_of_birth=dt.date(1985, 3, 27),
        email="p0@example.org",
        created_at=now,
    )


def courses(
    person: Patient, count: int, due_on: dt.date, *, more: int = 0, spread: Sequence[dt.date] = ()
) -> None:
    """`count` people like `person` (who then goes), each with a course that is due on `due_on`,
    and `more`, whose dates take turns in `spread`.

    Planned already, as far as the mark is concerned.
    """
    model = Course(
        patient=person,
        regimen_version="2026-11",
        next_step="maintenance",
        next_dose_mg=600,
        next_due_on=due_on,
        next_earliest_on=due_on,
        unplanned=False,
    )
    model.save()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")  # the keys are right
        cursor.execute("CREATE TEMPORARY TABLE due (nr integer PRIMARY KEY, due date, early date)")
        cursor.executemany(
            "INSERT INTO due VALUES (%s, %s, %s)",
            [(nr, day, day - dt.timedelta(days=28)) for nr, day in enumerate((due_on, *spread))],
        )
        _copy(
            cursor, person, f"{NUMBERS}{{}} FROM n, schedules_patient one WHERE one.id = %s",
            [count + more, person.pk],
            record_number="CAST(i AS text)", email="'p' || i || '@example.org'",
        )  # fmt: skip
        _copy(
            cursor, model,
            "{} FROM schedules_course one, schedules_patient p JOIN due ON due.nr = "
            "CASE WHEN p.id <= %s THEN 0 ELSE 1 + p.id %% %s END WHERE one.id = %s AND p.id <> %s",
            [person.pk + count, len(spread) or 1, model.pk, person.pk],
            patient_id="p.id", next_due_on="due.due", next_earliest_on="due.early",
        )  # fmt: skip
        cursor.execute("DROP TABLE due")
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = DEFAULT")
    model.delete()
    person.delete()


def _copy(cursor: object, row: models.Model, select: str, values: list, **changed: str) -> None:
    """Insert what `select` finds: the columns of `row` as they are, `changed` ones as told."""
    meta = row._meta
    names = [one.column for one in meta.concrete_fields if not one.primary_key]
    wanted = ", ".join(changed.get(name, f'one."{name}"') for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    statement = select.format(f"SELECT {wanted}")
    cursor.execute(f"INSERT INTO {meta.db_table} ({columns}) {statement}", values)
