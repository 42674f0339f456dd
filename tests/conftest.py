"""What all tests share: the cast, a database of their own, passwords that cost nothing to check."""

import pytest
from django.db import connections

from ocrevus_tracker.accounts import mailing

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
def _mails_arrive(monkeypatch):
    """A sign-in mail is there as soon as the page is, so that a test can read it."""
    later = mailing.send_later

    def now(*facts) -> None:
        later(*facts)
        mailing.settle()

    monkeypatch.setattr(mailing, "send_later", now)
