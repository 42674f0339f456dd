"""The product's settings, with places at which it may be told to die."""

from ocrevus_tracker.settings import *  # noqa: F403
from ocrevus_tracker.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.crash_points.CrashPoints"]
