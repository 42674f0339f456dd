"""Settings for django-post-office as it comes."""

from .common import *  # noqa: F403
from .common import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "post_office"]
