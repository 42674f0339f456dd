"""Receipts that outlive a crash: one Message-ID a line, on disk before the database knows.

Between the mail server's "250" and our commit a process can die. Its next start finds the mail in
this file and does not send it again. Best kept on another volume than the database.
"""

import datetime as dt
import logging
import os
from collections.abc import Collection
from pathlib import Path

from django.conf import settings

log = logging.getLogger(__name__)

DRAWN = "= "  # above it: accounted for
LINE = 80  # bytes, at most


def record(message_id: str) -> None:
    """Add a receipt and wait until it is on disk.

    A journal that cannot be written is reported and does not undo the mail: it has been sent.
    """
    if (path := _path()) is None:
        return
    try:
        _append(path, message_id)
    except OSError:
        log.exception("The receipt journal cannot be written")


def receipts(message_ids: Collection[str]) -> set[str]:
    """Those of `message_ids` that the journal holds."""
    path = _path()
    if path is None or not message_ids or not path.exists():
        return set()
    wanted = set(message_ids)
    with path.open(encoding="ascii", errors="replace") as lines:
        return {line[:-1] for line in lines if line.endswith("\n") and line[:-1] in wanted}


def tail(count: int) -> list[str]:
    """The last receipts since the last line was drawn, at most `count`, the latest last."""
    path = _path()
    if path is None or not path.exists():
        return []
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 2 * count * LINE))
        whole = file.read().decode("ascii", errors="replace").split("\n")
    lines = whole[1 if size > 2 * count * LINE else 0 : -1]
    for number, line in enumerate(reversed(lines)):
        if line.startswith(DRAWN):
            lines = lines[len(lines) - number :]
            break
    return [line for line in lines if line][-count:]


def draw_line() -> None:
    """What stands above is accounted for: `tail` ends here. `receipts` still reads it."""
    path = _path()
    if path is not None and path.exists():
        _append(path, f"{DRAWN}{os.getpid()}")


def written_at() -> dt.datetime:
    """When the file was last written (aware UTC); only for one that is there."""
    path = _path()
    assert path is not None  # noqa: S101 - `tail` has found something in it
    return dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)


def _path() -> Path | None:
    """Where the journal is; None when REMINDER_JOURNAL is set to nothing."""
    path = Path(settings.REMINDER_JOURNAL)
    return None if path == Path() else path


def _append(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # A power cut may have left half a line; it must not swallow this one.
        size = os.fstat(descriptor).st_size
        torn = size and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, (b"\n" if torn else b"") + line.encode("ascii") + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
