"""The Celery application: `celery -A ocrevus_tracker worker` and `… beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocrevus_tracker.settings")

app = Celery("ocrevus_tracker")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Keep the database connection between tasks; Celery's Django fixup would close it each time.
app.conf["CELERY_DB_REUSE_MAX"] = 100
app.autodiscover_tasks()
