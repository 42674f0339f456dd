"""The Celery application: `celery -A tests.benchmarks.peers.celery_app worker`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.benchmarks.peers.with_celery")

app = Celery("peers")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.imports = ["tests.benchmarks.peers.tasks"]
