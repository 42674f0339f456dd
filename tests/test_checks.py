"""Wrong configurations are named before they do harm."""

import pytest
from django.db import connection

from ocrevus_tracker import checks


def ids(messages) -> list[str]:
    return [message.id for message in messages]


@pytest.mark.parametrize(
    "name", ["Ocrevus Tracker", "MS Clinic", "Harbor Neurology", "The infusion suite"]
)
def test_a_name_that_tells_is_refused(settings, name):
    settings.SITE_NAME = name
    assert ids(checks.outside_names_are_neutral()) == ["tracker.E001"]


@pytest.mark.parametrize("name", ["Clinic Visits", "Harbor appointments", "Ms. Smith's practice"])
def test_a_neutral_name_passes(settings, name):
    settings.SITE_NAME = name
    assert ids(checks.outside_names_are_neutral()) == []


def test_a_sender_that_tells_is_refused(settings):
    settings.DEFAULT_FROM_EMAIL = "infusion@clinic.example.org"
    assert ids(checks.outside_names_are_neutral()) == ["tracker.E001"]


@pytest.mark.parametrize(
    ("debug", "hosts", "found"),
    [
        (True, ["clinic.example.org"], ["tracker.E002"]),
        (True, [], []),
        (False, ["clinic.example.org"], []),
    ],
)
def test_debugging_is_for_this_machine_alone(settings, debug, hosts, found):
    settings.DEBUG, settings.ALLOWED_HOSTS = debug, hosts
    assert ids(checks.debug_stays_at_home()) == found


@pytest.fixture
def database(settings, monkeypatch) -> dict:
    """The settings of one on a server; nobody connects to it."""
    made = settings.DATABASES["default"]
    monkeypatch.setitem(made, "ENGINE", "django.db.backends.postgresql")
    monkeypatch.setitem(made, "NAME", "tracker")
    return made


def test_a_journal_beside_the_database_is_named(settings, tmp_path, database):
    database |= {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "tracker.sqlite3"}
    settings.REMINDER_JOURNAL = tmp_path / "receipts"
    assert "tracker.W005" in ids(checks.deployment_is_real())
    settings.REMINDER_JOURNAL = "/proc/receipts"
    assert "tracker.W005" not in ids(checks.deployment_is_real())


def test_a_demo_is_not_a_deployment(settings, database):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMBEDDED_BROKER = True
    settings.SITE_URL = "http://127.0.0.1:8000"
    settings.DEPLOYMENT_ID = ""
    assert ids(checks.deployment_is_real()) == [f"tracker.W00{number}" for number in (1, 2, 3, 4)]


def test_a_real_deployment_passes(settings, database):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMBEDDED_BROKER = False
    settings.SITE_URL = "https://visits.example.org"
    settings.DEPLOYMENT_ID = "visits.example.org"
    assert ids(checks.deployment_is_real()) == []


def test_an_sqlite_that_cannot_tell_what_it_changed_is_refused(monkeypatch):
    assert ids(checks.sqlite_is_new_enough()) == []
    monkeypatch.setattr(checks.sqlite3, "sqlite_version_info", (3, 34, 1))
    on_sqlite = connection.vendor == "sqlite"
    assert ids(checks.sqlite_is_new_enough()) == (["tracker.E003"] if on_sqlite else [])
