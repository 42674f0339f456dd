"""`manage.py read_bounces < message`: take in one mail that came to the bounce address."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error as DatabaseError
from django.utils import timezone

from reminders import bounces, evidence


class Command(BaseCommand):
    help = "Read one mail from the input, as a mail server pipes it: see the README."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", default="", help="the address to which the mail came")

    def handle(self, *, to: str, **_options: Any) -> None:
        """Ends with 75 (EX_TEMPFAIL) when the database is away: the mail server tries again."""
        content = sys.stdin.buffer.read(bounces.LONGEST)
        now = timezone.now()
        event = bounces.read(content, now=now, came_to=to)
        if event is None:
            self.stdout.write("Nothing about a mail of ours.")
            return
        try:
            is_new = evidence.take(event, now=now)
        except DatabaseError:
            self.stderr.write("The database is away.")
            sys.exit(os.EX_TEMPFAIL)
        self.stdout.write("Noted." if is_new else "Known already.")
