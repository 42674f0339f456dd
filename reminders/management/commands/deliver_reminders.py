"""`manage.py deliver_reminders`: send what is ready, once or for ever, without any broker."""

import logging
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils import timezone

from reminders import outbox, polling

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Send the reminders that are ready. With --loop: plan and send until told to stop."

    def add_arguments(self, parser: ArgumentParser) -> None:
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--once", action="store_true", help="one delivery pass (the default)")
        how.add_argument("--loop", action="store_true", help="plan and deliver, again and again")

    def handle(self, *, loop: bool, **_options: Any) -> None:
        if loop:
            self._loop()
        else:
            self.stdout.write(f"Sent: {outbox.deliver(now=timezone.now())}")

    def _loop(self) -> None:
        """Until SIGTERM or SIGINT, which wait for the mail in hand and no longer."""
        stop = threading.Event()
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: stop.set())
        while not stop.is_set():
            try:
                polling.seal_trail(now=timezone.now())
                outbox.tick(now=timezone.now())
                outbox.deliver(now=timezone.now(), stop=stop.is_set)
            except (DatabaseError, InterfaceError):
                log.exception("The database is away; trying again soon")
            close_old_connections()
            stop.wait(settings.REMINDER_POLL_SECONDS)
