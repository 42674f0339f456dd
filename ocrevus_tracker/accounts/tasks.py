"""Housekeeping of what signing in leaves behind. Called by beat once a day, carries nothing."""

from celery import shared_task
from django.core.cache import cache
from django.core.management import call_command


@shared_task
def tidy() -> None:
    """Delete the sessions that are over (`manage.py clearsessions` does the same by hand), and
    what has expired in the cache.
    """
    call_command("clearsessions")
    cache.sweep()  # type: ignore[attr-defined]  # ours can: see json_cache
