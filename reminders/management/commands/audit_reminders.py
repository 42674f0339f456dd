"""`manage.py audit_reminders`: exit 1 if any reminder was lost or is stuck."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from reminders.auditing import audit


class Command(BaseCommand):
    help = "Count the reminders that break a rule. Ends with 1 if any count is not 0."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, json: bool, **_options: Any) -> None:
        counts = audit(now=timezone.now())
        self.stdout.write(_as_json(counts) if json else _as_lines(counts))
        if any(counts.values()):
            sys.exit(1)


def _as_json(counts: dict[str, int]) -> str:
    return json.dumps(counts)


def _as_lines(counts: dict[str, int]) -> str:
    return "\n".join(f"{count:6} {name.replace('_', ' ')}" for name, count in counts.items())
