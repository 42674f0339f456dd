"""Each worker process looks for itself when nobody has called it, or any other, for a while.

So a broker that is away, hangs, forgets, or refuses costs less than a minute, and nothing else:
a dozen processes may look at once, each row is claimed by one.
"""

import datetime as dt
import logging
import threading

from celery.signals import worker_process_init, worker_process_shutdown
from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils import timezone

from ocrevus_tracker.audit import sealing

from . import outbox
from .models import Heartbeat

log = logging.getLogger(__name__)

# What a process that was told to stop may still take: one mail and its receipt.
STOP_SECONDS = 40
# One pass at a time in a process. More would not be faster, and a kill would leave more in doubt.
_busy = threading.Lock()
_stop = threading.Event()
_thread: threading.Thread | None = None


def work(*, now: dt.datetime, seconds: float = 50) -> None:
    """Plan and send what is wanted at `now` (aware UTC), unless this process is at it already."""
    if not _busy.acquire(blocking=False):
        return
    try:
        seal_trail(now=now)
        outbox.tick(now=now)
        outbox.deliver(now=now, seconds=seconds, stop=_stop.is_set)
    finally:
        _busy.release()


def seal_trail(*, now: dt.datetime) -> None:
    """Close the audit trail's chain over what is new. That it fails keeps no mail back."""
    try:
        sealing.seal(now=now)
    except Exception:
        log.exception("The audit trail could not be sealed; trying again soon")


def look(*, now: dt.datetime) -> None:
    """Work, if nobody has come to an end of it for REMINDER_POLL_SECONDS."""
    since = now - dt.timedelta(seconds=settings.REMINDER_POLL_SECONDS)
    if not Heartbeat.objects.filter(planned_at__gt=since, delivered_at__gt=since).exists():
        work(now=now)


@worker_process_init.connect
def start(**_signal: object) -> None:
    """In each process of the pool, broker or not."""
    global _thread  # noqa: PLW0603 - one a process
    _stop.clear()
    _thread = threading.Thread(target=_run, name="poll", daemon=True)
    _thread.start()


@worker_process_shutdown.connect
def stop(**_signal: object) -> None:
    """Wait for the mail in hand, not for those after it."""
    _stop.set()
    if _thread:
        _thread.join(STOP_SECONDS)


def _run() -> None:
    while not _stop.wait(settings.REMINDER_POLL_SECONDS):
        try:
            look(now=timezone.now())
        except (DatabaseError, InterfaceError):
            log.exception("The database is away; trying again soon")
        except Exception:
            log.exception("A look at the outbox failed; trying again soon")
        finally:
            close_old_connections()
