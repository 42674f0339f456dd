"""`manage.py after_restore --backup-time T`: say that the database came back from a backup."""

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from reminders.restoring import after_restore


class Command(BaseCommand):
    help = "After a restored backup: find out which mails were sent since, and go on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--backup-time",
            required=True,
            metavar="T",
            help="when the backup was made, with its zone, such as 2026-11-27T02:00:00Z",
        )

    def handle(self, *, backup_time: str, **_options: Any) -> None:
        now = timezone.now()
        done = after_restore(backup_time=_moment(backup_time, now), now=now)
        self.stdout.write(f"May have been sent since the backup: {done.doubtful}")
        self.stdout.write(f"Surely sent, by a receipt or a report: {done.proven}")
        self.stdout.write(f"Not known; on the clinic's list soon, not sent: {done.left}")


def _moment(text: str, now: dt.datetime) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise CommandError("That is no time. Write it like 2026-11-27T02:00:00Z.") from None
    if moment.tzinfo is None:
        raise CommandError("Say in which zone that is: add Z for UTC, or an offset like -05:00.")
    if moment > now:
        raise CommandError("That is in the future. Give the time at which the backup was made.")
    return moment
