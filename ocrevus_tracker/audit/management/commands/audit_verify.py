"""`manage.py audit_verify`: exit 1 if anything on the audit trail is not as it was written."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from ocrevus_tracker.audit import anchor, sealing, verifying
from ocrevus_tracker.audit.anchor import Anchored
from ocrevus_tracker.audit.verifying import Report


class Command(BaseCommand):
    help = (
        "Hold the audit trail against its signatures, its chain and the anchor outside the "
        "database. Names the first bad row; ends with 1 if there is one. Where all is well, what "
        "is new is sealed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")
        parser.add_argument("--anchor", type=Path, help="another copy of the anchor's file")
        parser.add_argument(
            "--printed",
            type=_printed,
            action="append",
            default=[],
            metavar="NUMBER:HASH",
            help="a line that `audit_anchor` printed and that was kept elsewhere",
        )

    def handle(self, *, json: bool, **options: Any) -> None:
        report = verifying.verify(anchor.read(options["anchor"]), options["printed"])
        self.stdout.write(_as_json(report) if json else _as_lines(report))
        if not report.is_well:
            sys.exit(1)
        sealing.seal(now=timezone.now(), thorough=True)


def _printed(text: str) -> Anchored:
    number, _colon, found = text.partition(":")
    if not (number.isdecimal() and found):
        raise ArgumentTypeError("Write it as it was printed: a number, a colon, a hash.")
    return Anchored(int(number), found)


def _as_json(report: Report) -> str:
    return json.dumps(report.as_json())


def _as_lines(report: Report) -> str:
    lines = [f"{one.table} {one.row}: {one.why}" for one in report.findings]
    told = (
        f"{report.entries} entries, {report.unsealed} not sealed yet; {report.seals} seals, "
        f"{report.anchored} of them anchored; details of {report.erased} erased."
    )
    return "\n".join([*lines, told])
