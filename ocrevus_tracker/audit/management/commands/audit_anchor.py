"""`manage.py audit_anchor`: the end of the trail's chain, in one line for a second place."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from ocrevus_tracker.audit import anchor, sealing
from ocrevus_tracker.audit.models import Seal


class Command(BaseCommand):
    help = (
        "Seal what is new and print the chain's end, NUMBER:HASH: keep it where who can write the "
        "database cannot, and give it to `audit_verify --printed`."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--after-restore",
            metavar="WHY",
            help="a backup was restored, or this is a new database: the anchor knows of seals that "
            "are lost for good, and is told not to expect them any more",
        )

    def handle(self, *, after_restore: str | None, **_options: Any) -> None:
        if after_restore:
            last = Seal.objects.last()
            anchor.begin_anew(after=last.number if last else 0, reason=after_restore)
        sealing.seal(now=timezone.now())
        self.stdout.write(anchor.newest())
