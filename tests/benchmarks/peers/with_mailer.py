"""Settings for django-mailer as it comes."""

from .common import *  # noqa: F403
from .common import INSTALLED_APPS, LOCKS

INSTALLED_APPS = [*INSTALLED_APPS, "mailer"]
MAILER_LOCK_PATH = str(LOCKS / "mailer")
