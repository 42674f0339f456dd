"""The worker's wake-up calls. They carry nothing: the database says what is to be done.

Lost, late or doubled calls do no harm; the next one finds the same work.
"""

from celery import shared_task
from django.utils import timezone

from . import outbox


@shared_task
def plan_reminders() -> None:
    """Add the reminders that are wanted now, and wake whoever sends them."""
    if outbox.plan(now=timezone.now()):
        deliver_reminders.apply_async(expires=60, retry=False)


@shared_task
def deliver_reminders() -> None:
    """Send what is ready, for less than the minute until the next call."""
    outbox.deliver(now=timezone.now(), seconds=50)
