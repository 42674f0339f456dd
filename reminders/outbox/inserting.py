"""Adding rows with one statement for many: `INSERT … SELECT … ON CONFLICT DO NOTHING`.

The ORM builds the SELECT and has no word for the INSERT. Nothing is read into Python, so planning
for three thousand people costs hardly more than writing three thousand rows.
"""

from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.expressions import Combinable


def insert_from(model: type[Model], facts: QuerySet[Any], columns: dict[str, Combinable]) -> int:
    """Add a row of `model` for each of `facts`; a row that is there already stays as it is.

    `columns` says by field name what goes into the row, as expressions over `facts`. Fields that
    are not named get the database's own default. Returns how many rows were added.
    """
    meta = model._meta  # noqa: SLF001 - public by Django's word
    fields = [meta.get_field(name) for name in columns]
    selected = facts.order_by().values_list(*columns.values())
    select, params = selected.query.sql_with_params()
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(field.column)) for field in fields)  # type: ignore[union-attr]
    table = quote(meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) {select} ON CONFLICT DO NOTHING",
            params,
        )
        return int(cursor.rowcount)
