"""`manage.py plan_reminders`: one planning pass."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from reminders import outbox


class Command(BaseCommand):
    help = "Add the reminders that are wanted now. Doing it twice changes nothing."

    def handle(self, **_options: Any) -> None:
        self.stdout.write(f"Planned: {outbox.plan(now=timezone.now())}")
