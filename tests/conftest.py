"""What all tests share: the cast, a database of their own, passwords that cost nothing to check."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections, transaction
from django.test import TransactionTestCase

from ocrevus_tracker.accounts import mailing
from ocrevus_tracker.audit import guards
from tests.telltales import Telltales, listening
from tests.tenants import watching

pytest_plugins = ["tests.cast"]

# Filled by Django after each migration and changed by nobody.
KEPT = {"auth_permission", "django_content_type"}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """SQLite in a file, not in memory: only there do connections take turns as in real life."""
    database = connections["default"]
    if database.vendor == "sqlite":
        database.settings_dict["TEST"]["NAME"] = str(
            tmp_path_factory.getbasetemp() / "test.sqlite3"
        )


@pytest.fixture(scope="session", autouse=True)
def _quick_emptying() -> Iterator[None]:
    """After a test without a transaction around it. Django's own flush truncates every table and
    fills the ones of KEPT anew, which takes longer than many a test.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: _empty())
        yield


def _empty() -> None:
    database = connections["default"]
    names = database.introspection.django_table_names(only_existing=True, include_views=False)
    # The cache's table is no model's, and counts who tried to sign in how often.
    emptied = sorted({*names, settings.CACHES["default"]["LOCATION"]} - KEPT)
    quoted = [database.ops.quote_name(name) for name in emptied]
    # The trail too: for this moment, and no other, the triggers that refuse it are away.
    with transaction.atomic(), guards.lifted(database), database.cursor() as cursor:
        for table in quoted:
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of our own
        if database.vendor == "postgresql":  # no trigger comes back to a table with work to do
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.fixture(autouse=True)
def _quick_passwords(settings):
    """A real hash takes a fifth of a second; no test is about that."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _whose_rows(settings, monkeypatch):
    """A page that asks about everybody's patients fails its test: see tests/tenants.py."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.tenants.TenantGuard"]
    with watching(monkeypatch):
        yield


@pytest.fixture(autouse=True)
def telltales(monkeypatch) -> Iterator[Telltales]:
    """A test in which something about a patient is told to a log or the like fails."""
    with listening(monkeypatch) as ears:
        yield ears
    assert ears.told == []


@pytest.fixture(autouse=True)
def anchor(settings, tmp_path: Path) -> Path:
    """Where the trail's anchor is, for this test alone."""
    settings.AUDIT_ANCHOR = tmp_path / "audit-anchor.jsonl"
    return settings.AUDIT_ANCHOR


@pytest.fixture(autouse=True)
def _mails_arrive(monkeypatch):
    """A sign-in mail is there as soon as the page is, so that a test can read it."""
    later = mailing.send_later

    def now(*facts) -> None:
        later(*facts)
        mailing.settle()

    monkeypatch.setattr(mailing, "send_later", now)
