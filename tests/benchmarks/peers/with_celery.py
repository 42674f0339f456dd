"""Settings for one Celery task per mail, as its first steps with Django show it."""

import os

from .common import *  # noqa: F403

CELERY_BROKER_URL = os.environ.get("REDIS_URL", "")
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
