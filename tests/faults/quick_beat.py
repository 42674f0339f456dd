"""The product's Celery application, with a beat each second instead of each minute."""

from ocrevus_tracker.celery import app

__all__ = ["app"]

for entry in app.conf.beat_schedule.values():
    entry["schedule"] = 1.0
