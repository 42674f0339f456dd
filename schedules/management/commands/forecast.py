"""`manage.py forecast`: courses in, next doses out, one JSON object a line."""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError

from schedules import wire


class Command(BaseCommand):
    help = (
        "Read one course per line from standard input (JSON) and write its next dose per line "
        "to standard output, in the same order. Needs no database. A line that cannot be "
        'answered gets {"id": …, "error": …}; then the exit status is 1.'
    )
    requires_system_checks = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Answer every line as soon as it is read.

        Raises:
            CommandError: some lines could not be answered; said once all others were.
        """
        asked = refused = 0
        try:
            for line in _lines(sys.stdin.buffer):
                reply = wire.answer(line)
                asked += 1
                refused += "error" in reply
                self.stdout.write(json.dumps(reply))
                self.stdout.flush()
        except BrokenPipeError:  # the reader (say, `head`) has seen enough
            _forget_output()
        if refused:
            raise CommandError(f"{refused} of {asked} lines could not be answered.")


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """The lines that are not blank; of one that is too long, enough to see that it is."""
    while line := source.readline(wire.LONGEST_LINE + 1):
        rest = line
        while len(rest) > wire.LONGEST_LINE and not rest.endswith(b"\n"):
            rest = source.readline(wire.LONGEST_LINE + 1)
        if line.strip():
            yield line


def _forget_output() -> None:
    """Let Python flush its closed standard output at exit without a complaint."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
