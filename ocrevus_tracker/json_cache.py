"""The cache: a table that all processes share, with JSON in it.

Django's own stores pickles, and whoever can write a pickle can run code. Its table serves as it
is; what an earlier version left there counts as absent.
"""

import datetime as dt
import json
import random
from collections.abc import Iterable
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import BaseDatabaseCache
from django.db import connection
from django.utils import timezone

# One write in so many throws away what has expired. What has not is never thrown away to make
# room: that would let a flood of sign-ins wash away the limits on them.
SWEEP_EVERY = 50
NEVER = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


class JsonCache(BaseDatabaseCache):
    """Each write is one statement, so two at once cannot both `add` a key."""

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:  # noqa: ANN401 - Django's own signature
        return self.get_many([key], version).get(key, default)

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        wanted = {self.make_and_validate_key(key, version=version): key for key in keys}
        marks = ", ".join(["%s"] * len(wanted)) or "NULL"
        live = f"cache_key IN ({marks}) AND expires > %s"
        sql = f"SELECT cache_key, value FROM {self._name} WHERE {live}"  # noqa: S608 - our own table
        with connection.cursor() as cursor:
            cursor.execute(sql, [*wanted, _moment(timezone.now())])
            rows = cursor.fetchall()
        found = {wanted[key]: _read(value) for key, value in rows}
        return {key: value for key, (known, value) in found.items() if known}

    def set(
        self,
        key: str,
        value: Any,  # noqa: ANN401 - whatever JSON can say
        timeout: Any = DEFAULT_TIMEOUT,  # noqa: ANN401 - Django's own signature
        version: int | None = None,
    ) -> None:
        """Keep `value`. Raises TypeError for what JSON cannot say."""
        self._write(key, value, timeout, version, unless_there=False)

    def add(
        self,
        key: str,
        value: Any,  # noqa: ANN401 - whatever JSON can say
        timeout: Any = DEFAULT_TIMEOUT,  # noqa: ANN401 - Django's own signature
        version: int | None = None,
    ) -> bool:
        """Keep `value` unless the key is there; whether it was kept."""
        return self._write(key, value, timeout, version, unless_there=True)

    def touch(
        self,
        key: str,
        timeout: Any = DEFAULT_TIMEOUT,  # noqa: ANN401 - Django's own signature
        version: int | None = None,
    ) -> bool:
        """Keep it longer; whether it was there."""
        sql = f"UPDATE {self._name} SET expires = %s WHERE cache_key = %s AND expires > %s"  # noqa: S608 - our own table
        named = self.make_and_validate_key(key, version=version)
        return self._execute(sql, [self._expires(timeout), named, _moment(timezone.now())]) == 1

    def delete(self, key: str, version: int | None = None) -> bool:
        sql = f"DELETE FROM {self._name} WHERE cache_key = %s"  # noqa: S608 - our own table
        return self._execute(sql, [self.make_and_validate_key(key, version=version)]) == 1

    def clear(self) -> None:
        self._execute(f"DELETE FROM {self._name}", [])  # noqa: S608 - our own table

    def sweep(self) -> int:
        """Throw away what has expired; how much that was."""
        sql = f"DELETE FROM {self._name} WHERE expires <= %s"  # noqa: S608 - our own table
        return self._execute(sql, [_moment(timezone.now())])

    @property
    def _name(self) -> str:
        table: str = self._table  # type: ignore[attr-defined]  # the base class has it
        return connection.ops.quote_name(table)

    def _write(
        self,
        key: str,
        value: Any,  # noqa: ANN401 - whatever JSON can say
        timeout: Any,  # noqa: ANN401 - Django's own signature
        version: int | None,
        *,
        unless_there: bool,
    ) -> bool:
        if random.random() * SWEEP_EVERY < 1:
            self.sweep()
        sql = f"""
            INSERT INTO {self._name} (cache_key, value, expires) VALUES (%s, %s, %s)
            ON CONFLICT (cache_key)
            DO UPDATE SET value = excluded.value, expires = excluded.expires
        """  # noqa: S608 - our own table
        named = self.make_and_validate_key(key, version=version)
        values = [named, json.dumps(value), self._expires(timeout)]
        if unless_there:
            sql += f" WHERE {self._name}.expires <= %s"
            values.append(_moment(timezone.now()))
        return self._execute(sql, values) == 1

    def _expires(self, timeout: Any) -> Any:  # noqa: ANN401 - as the database takes it
        seconds = self.get_backend_timeout(timeout)
        return _moment(NEVER if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC))

    def _execute(self, sql: str, values: list[Any]) -> int:
        """How many rows it changed."""
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return int(cursor.rowcount)


def _moment(at: dt.datetime) -> Any:  # noqa: ANN401 - as the database takes it
    return connection.ops.adapt_datetimefield_value(at)


def _read(stored: str) -> tuple[bool, Any]:
    """Whether it is ours, and what it says."""
    try:
        return True, json.loads(stored)
    except ValueError:
        return False, None
