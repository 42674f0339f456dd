"""Keyed digests of what is on the trail: who has only the database can make none.

The key is AUDIT_KEYS in the settings, which lies outside the database. The first one signs; what
an earlier one signed is still believed, so a key can be changed.
"""

import datetime as dt
import hmac
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings

from .models import Detail, Entry, Seal

ENTRY_FIELDS = (
    *("at", "actor_id", "role", "clinic_id", "act", "subject"),
    *("patient_id", "shown", "nonce", "details"),
)
DETAIL_FIELDS = ("salt", "reason", "changes")
SEAL_FIELDS = ("number", "sealed_at", "previous", "entries", "reaches")
Row = Entry | Detail | Seal


def sign(row: Row) -> str:
    """The digest of `row` under the key in use."""
    return next(_digests(row))


def is_genuine(row: Row, digest: str) -> bool:
    """Whether somebody who had the key signed `row` as it is now; it may hold anything."""
    given = digest.encode(errors="replace")
    try:
        return any(hmac.compare_digest(one.encode(), given) for one in _digests(row))
    except (ValueError, TypeError, OverflowError):  # a value that this service never writes
        return False


def values_of(row: Any, fields: Iterable[str]) -> list[Any]:  # noqa: ANN401 - a model, maybe a historical one
    """The values of `fields` as JSON has them; the same from every database."""
    return [_plain(getattr(row, name)) for name in fields]


def _digests(row: Row) -> Iterator[str]:
    names = {Entry: ENTRY_FIELDS, Detail: DETAIL_FIELDS, Seal: SEAL_FIELDS}[type(row)]
    content = content_of(type(row).__name__.lower(), values_of(row, names))
    return (digest_of(content, key) for key in settings.AUDIT_KEYS)


def content_of(kind: str, values: list[Any]) -> bytes:
    """What is signed: the same bytes for the same values, and other ones for each kind of row."""
    return json.dumps([kind, *values], separators=(",", ":")).encode("ascii")


def digest_of(content: bytes, key: str) -> str:
    return hmac.new(f"audit trail:{key}".encode(), content, "sha256").hexdigest()


def _plain(value: Any) -> Any:  # noqa: ANN401 - of any field
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="microseconds")
    return value
