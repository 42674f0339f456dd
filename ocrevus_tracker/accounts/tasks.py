"""Housekeeping of what signing in leaves behind. Called by beat once a day, carries nothing."""

from celery import shared_task
from django.core.management import call_command


@shared_task
def tidy() -> None:
    """Delete the sessions that are over (`manage.py clearsessions` does the same by hand)."""
    call_command("clearsessions")
