"""What all tests share: the cast, a database of their own, passwords that cost nothing to check."""

from pathlib import Path

import pytest
from django.db import connections

from ocrevus_tracker.accounts import mailing
from ocrevus_tracker.audit import guards

pytest_plugins = ["tests.cast"]


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


@pytest.fixture(autouse=True)
def _quick_passwords(settings):
    """A real hash takes a fifth of a second; no test is about that."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def anchor(settings, tmp_path: Path) -> Path:
    """Where the trail's anchor is, for this test alone."""
    settings.AUDIT_ANCHOR = tmp_path / "audit-anchor.jsonl"
    return settings.AUDIT_ANCHOR


@pytest.fixture(scope="session", autouse=True)
def _emptied_with_its_guards() -> None:
    """A test that commits has its tables emptied afterwards, the trail too: for that moment, and
    no other, the triggers that refuse it are away.
    """
    operations = type(connections["default"].ops)
    empty = operations.execute_sql_flush

    def flush(ops, sql_list) -> None:
        with guards.lifted(ops.connection):
            empty(ops, sql_list)

    operations.execute_sql_flush = flush


@pytest.fixture(autouse=True)
def _mails_arrive(monkeypatch):
    """A sign-in mail is there as soon as the page is, so that a test can read it."""
    later = mailing.send_later

    def now(*facts) -> None:
        later(*facts)
        mailing.settle()

    monkeypatch.setattr(mailing, "send_later", now)
