"""Every question that a page asks about patients must say whose: the guard that sees to it.

While a request is answered, each SELECT, UPDATE and DELETE on a table that belongs to clinics is
looked at. One of its conditions has to name the signed-in person, a clinic of theirs, or a row
that an earlier question, bound like this, has found. Anything else fails the test that asked:
it would find other clinics' rows as well, and only what comes after would keep them apart.

What it cannot see: a second condition joined with OR. The access matrix looks at what comes out.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey, Model
from django.db.models.signals import post_save

from ocrevus_tracker.accounts.access import Audience, access_of
from ocrevus_tracker.accounts.models import Clinic, User

# Others ask for nobody's rows on their own: they count (readiness), look for the one mail that a
# signed report is about, or find the person who wants to sign in.
GUARDED = {Audience.SIGNED_IN, Audience.STAFF, Audience.LINK}
# What tells from a secret link whose rows are meant. Another kind of link is named here.
READS_LINKS = ["reminders.links._parts"]

ASKS = re.compile(r"\s*(SELECT|UPDATE|DELETE)\b")
TABLE = re.compile(r'(?:FROM|JOIN|UPDATE) "(\w+)"(?: ([TUVW]\d+)\b)?')
CONDITION = re.compile(r'(?:"?(\w+)"?\.)"(\w+)" (?:= |IN \()(%s(?:, %s)*)')
# Whether a form's key was used anywhere: an answer of one bit, to who holds 122 random ones.
IS_KEY_USED = re.compile(r'SELECT %s AS "a" FROM "\w+" WHERE "\w+"\."entry_key" = %s LIMIT')


# What only the holder of a mailed link can ask for: 256 bits, of which this is the digest.
BY_SECRET = re.compile(r'WHERE \(?"\w+"\."digest" = %s')


class UnboundError(AssertionError):
    """A question about everybody's rows."""


@cache
def tenant_models() -> dict[str, type[Model]]:
    """By table: each model that leads to a clinic by its foreign keys, new ones too."""
    found: dict[str, type[Model]] = {}
    before = -1
    while before != len(found):
        before = len(found)
        for model in apps.get_models():
            if any(_leads_to_clinic(one, found) for one in _foreign_keys(model)):
                found[model._meta.db_table] = model
    return found


def _foreign_keys(model: type[Model]) -> list[Any]:
    return [one for one in model._meta.concrete_fields if isinstance(one, ForeignKey)]


def _leads_to_clinic(key: Any, found: dict[str, type[Model]]) -> bool:
    return key.related_model is Clinic or key.related_model in found.values()


class Watch:
    """What one request has been allowed to see so far, by table; and who asks."""

    def __init__(self, request: Any) -> None:
        self.request = request
        self.reached: dict[str, set[Any]] = defaultdict(set)
        self.bound = False  # the latest question

    def __call__(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,  # noqa: FBT001 - as Django calls it
        context: Any,
    ) -> Any:
        if ASKS.match(sql) and self._is_guarded():
            touched = {table for table, _alias in TABLE.findall(sql)} & set(tenant_models())
            self.bound = not touched or self._is_bound(sql, list(params or ()))
            if not self.bound:
                raise UnboundError(
                    f"{self.request.path} asks about {', '.join(sorted(touched))} without saying "
                    f"whose: bind it to a clinic, a record or the person. {sql}"
                )
            self.bound = bool(touched)
        return execute(sql, params, many, context)

    def _is_guarded(self) -> bool:
        match = self.request.resolver_match
        access = access_of(match.func) if match else None
        return access is not None and access.audience in GUARDED

    def _is_bound(self, sql: str, params: list[Any]) -> bool:
        if IS_KEY_USED.match(sql) or BY_SECRET.search(sql):
            return True
        aliases = {alias or table: table for table, alias in TABLE.findall(sql)}
        for match in CONDITION.finditer(sql):
            first = sql.count("%s", 0, match.start())
            values = params[first : first + match[3].count("%s")]
            if self._are_ours(aliases.get(match[1], ""), match[2], values):
                return True
        return False

    def _are_ours(self, table: str, column: str, values: list[Any]) -> bool:
        target = _target(table, column)
        if target is None or not values:
            return False
        if target == User._meta.db_table:
            user = getattr(self.request, "_cached_user", None)
            return user is not None and set(values) <= {user.pk, *self.reached[target]}
        return set(values) <= self.reached[target]

    def found(self, row: Model) -> None:
        """A row that a bound question has found or made, with the rows that it names."""
        if not self.bound:
            return
        self.reached[row._meta.db_table].add(row.pk)
        for key in _foreign_keys(type(row)):
            # Whose record it is; not who wrote in it.
            if (key.related_model is not User or key.name == "user") and (
                key.attname in row.__dict__
            ):
                self.reached[key.related_model._meta.db_table].add(row.__dict__[key.attname])


@cache
def _target(table: str, column: str) -> str | None:
    """The table whose rows a column names by their ids."""
    model = tenant_models().get(table) or {Clinic._meta.db_table: Clinic}.get(table)
    if model is None:
        return None
    for field in model._meta.concrete_fields:
        if column == "patient_id":  # the trail's is no foreign key: it outlives the record
            return "schedules_patient"
        if field.column == column and field.primary_key:
            return table
        if field.column == column and isinstance(field, ForeignKey):
            return str(field.related_model._meta.db_table)
    return None


class TenantGuard:
    """The innermost middleware while tests run."""

    watches: list[Watch] = []

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        watch = Watch(request)
        self.watches.append(watch)
        try:
            with connection.execute_wrapper(watch):
                return self.get_response(request)
        finally:
            self.watches.pop()


def _found(row: Model) -> None:
    for watch in TenantGuard.watches[-1:]:
        watch.found(row)


@contextmanager
def watching(monkeypatch: Any) -> Iterator[None]:
    """Tell the guard of every row that is read or made, and whose a secret link is."""
    load = Model.from_db.__func__  # type: ignore[attr-defined]  # a classmethod

    def from_db(cls: type[Model], db: str | None, names: Any, values: Any) -> Model:
        row: Model = load(cls, db, names, values)
        _found(row)
        return row

    def made(instance: Model, *, created: bool, **_kwargs: Any) -> None:
        for watch in TenantGuard.watches[-1:]:
            watch.bound = watch.bound or created
            watch.found(instance)

    monkeypatch.setattr(Model, "from_db", classmethod(from_db))
    for name in READS_LINKS:
        monkeypatch.setattr(name, _noting_links(_named(name)))
    post_save.connect(made)
    try:
        yield
    finally:
        post_save.disconnect(made)


def _named(name: str) -> Callable[..., Iterable[str]]:
    module, _dot, function = name.rpartition(".")
    found: Callable[..., Iterable[str]] = getattr(__import__(module, fromlist=["x"]), function)
    return found


def _noting_links(read: Callable[..., Iterable[str]]) -> Callable[..., Iterable[str]]:
    def noting(*args: Any) -> Iterable[str]:
        parts = list(read(*args))
        for watch in TenantGuard.watches[-1:]:
            for table in tenant_models():
                watch.reached[table] |= {int(one) for one in parts[:1] if one.isdecimal()}
        return parts

    return noting
