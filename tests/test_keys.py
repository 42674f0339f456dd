"""A secret that can be guessed is refused before anything starts."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from ocrevus_tracker.keys import shared_secret, signing_key
from tests.__main__ import OURS, PRODUCTION, ROOT

GOOD = "q8Zr1xVvT0bYc5Lk2mWn7pDs4gHj6fAe9uXo3iCtRzB1yNqKlMvP"
GUESSED = ["changeme", "django-insecure-" + GOOD, "a" * 60, "ab" * 40, GOOD[:49]]


@pytest.mark.parametrize("key", GUESSED)
def test_a_signing_key_that_can_be_guessed_is_refused(key):
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY can be guessed") as refusal:
        signing_key(key, made_up_in=None)
    assert key not in str(refusal.value)


def test_without_a_signing_key_nothing_starts():
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is not set"):
        signing_key("", made_up_in=None)


def test_a_good_signing_key_is_taken():
    assert signing_key(GOOD, made_up_in=None) == GOOD


def test_for_debugging_a_key_is_made_once_that_others_cannot_read(tmp_path):
    place = tmp_path / "secret-key"
    made = signing_key("", made_up_in=place)
    assert len(made) >= 50
    assert signing_key("", made_up_in=place) == made
    assert place.stat().st_mode & 0o777 == 0o600
    assert signing_key("short", made_up_in=place) == "short"


def test_a_short_secret_of_another_program_is_refused():
    with pytest.raises(ImproperlyConfigured, match="A_KEY can be guessed"):
        shared_secret("A_KEY", "user:password", debug=False)
    assert shared_secret("A_KEY", "user:password", debug=True) == "user:password"
    assert shared_secret("A_KEY", "", debug=False) == ""
    assert shared_secret("A_KEY", GOOD, debug=False) == GOOD


@pytest.mark.parametrize(
    "name",
    [
        "SECRET_KEY",
        "REMINDER_WEBHOOK_KEY",
        "ANYMAIL_WEBHOOK_SECRET",
        "ANYMAIL_MAILGUN_WEBHOOK_SIGNING_KEY",
    ],
)
def test_the_service_does_not_start_with_a_secret_that_can_be_guessed(name):
    inherited = {key: value for key, value in os.environ.items() if key not in OURS}
    start = [sys.executable, "-c", "import ocrevus_tracker.wsgi"]
    environment = inherited | PRODUCTION | {name: "changeme"}
    done = subprocess.run(start, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert done.returncode != 0
    assert f"{name} can be guessed" in done.stderr.decode()


def test_the_cookies_of_a_deployment_belong_to_its_host():
    inherited = {key: value for key, value in os.environ.items() if key not in OURS}
    names = "SESSION_COOKIE_NAME CSRF_COOKIE_NAME SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE "
    names += "SESSION_COOKIE_HTTPONLY SESSION_COOKIE_SAMESITE CSRF_COOKIE_SAMESITE"
    told = "from django.conf import settings as s; print([getattr(s, n) for n in NAMES.split()])"
    done = subprocess.run(
        [sys.executable, "-c", told.replace("NAMES", repr(names))],
        cwd=ROOT,
        env=inherited | PRODUCTION | {"DJANGO_SETTINGS_MODULE": "ocrevus_tracker.settings"},
        capture_output=True,
        check=True,
    )
    cookies = ["__Host-sessionid", "__Host-csrftoken", True, True, True, "Lax", "Lax"]
    assert done.stdout.decode().strip() == str(cookies)
