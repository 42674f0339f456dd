"""A CASE of many steps, written at once: the ORM's own costs more to build than to ask."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, F, Field
from django.db.models.sql.compiler import SQLCompiler


class Stairs(Expression):
    """The answer of the first step whose end the date or moment `by` lies before; NULL after all.

    `steps` are pairs of an end, which is not included, and an answer, in any order.
    """

    def __init__(
        self, by: str, steps: Sequence[tuple[dt.date, Any]], output_field: "Field[Any, Any]"
    ) -> None:
        super().__init__(output_field=output_field)
        self.by: Any = F(by)  # until the ORM puts the field itself in its place
        self.steps = sorted(steps, key=lambda step: step[0])

    def get_source_expressions(self) -> list[Any]:
        """For the ORM, which finds the field that `by` names."""
        return [self.by]

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        """For the ORM: the field in place of its name."""
        [self.by] = exprs

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        """The CASE."""
        by, by_params = compiler.compile(self.by)
        ends, answers = self.by.output_field, self.output_field
        params: list[Any] = []
        for end, answer in self.steps:
            params += [
                *by_params,
                ends.get_db_prep_value(end, connection),
                answers.get_db_prep_value(answer, connection),
            ]
        return f"CASE {f'WHEN {by} < %s THEN %s ' * len(self.steps)}END", tuple(params)
