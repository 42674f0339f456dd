"""A condition that Django has no word for."""

from collections.abc import Collection
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Lookup
from django.db.models.sql.compiler import SQLCompiler


class OneOf(Lookup):
    """`field__in` for hundreds of values, handed over as a single parameter.

    One parameter for each value is put into SQL, read and weighed one by one, and that for every
    statement about a group of rows.
    """

    lookup_name = "one_of"
    prepare_rhs = False

    def __init__(self, field: str, values: Collection[int] | Collection[str]) -> None:
        super().__init__(F(field), list(values))

    def as_sql(  # type: ignore[override]  # the stubs know of no list among the parameters
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", [*params, self.rhs]

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        """SQLite has no arrays, and reads parameters at next to no cost."""
        column, params = self.process_lhs(compiler, connection)
        return f"{column} IN ({', '.join(['%s'] * len(self.rhs))})", [*params, *self.rhs]
