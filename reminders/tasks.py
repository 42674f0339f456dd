"""The worker's wake-up call. It carries nothing: the database says what is to be done.

A lost, late or doubled call does no harm; the next one finds the same work.
"""

from celery import shared_task
from django.utils import timezone

from . import polling


@shared_task
def remind() -> None:
    """Add the reminders that are wanted now, then send what is ready, for less than the minute
    until the next call.
    """
    polling.work(now=timezone.now(), seconds=50)
