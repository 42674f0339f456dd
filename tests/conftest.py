"""What all tests share: the cast, a database of their own, passwords that cost nothing to check."""

from collections.abc import Iterator

import pytest
from django.db import connections

from tests.telltales import Telltales, listening
from tests.tenants import watching

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
