"""Receipts that outlive a crash: a file that knows of each mail before the database does.

Two lines a mail, each on its way to the disk before the next step is taken:

    > 5f0c…      its content is about to be sent
    5f0c…        the mail server has taken it

Between the server's "250" and our commit a process can die. Its successor finds the second line
and does not send again. And where it finds not even the first, the mail was surely not sent: it
goes at once, without waiting out a doubt. That counts only for a row whose `owner` names this
very file on this very start of the machine (`mark`): another machine's worker writes elsewhere,
and a power cut may take the last lines along.

Best kept on another volume than the database.
"""

import datetime as dt
import logging
import os
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings

log = logging.getLogger(__name__)

BEGUN = "> "
HEAD = "# "
DRAWN = "= "  # above it: accounted for
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
LINE = 80  # bytes, at most


class Journal:
    """Open for the mails of one connection. A journal that cannot be written sends no mail back:
    it says so once, and what it does not know is a doubt after a crash.
    """

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._unsynced = False

    def __enter__(self) -> Self:
        path = _path()
        if path is not None:
            try:
                self._descriptor = _open(path)
            except OSError:
                log.exception("The receipt journal cannot be opened")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    @property
    def mark(self) -> str:
        """What an owner's name begins with: this file, on this start of the machine. Empty where
        absence from the file proves nothing.
        """
        return "" if self._descriptor is None else _mark(self._descriptor)

    def begin(self, message_id: str) -> bool:
        """Note that the content is about to be sent. False: that could not be written, so this
        mail, claimed under `mark`, must not go.
        """
        return self._descriptor is None or self._write(BEGUN + message_id)

    def accept(self, message_id: str) -> None:
        """Note that the mail server has taken it. Not written is only a doubt more."""
        if self._descriptor is not None:
            self._write(message_id)

    def note(self, line: str) -> None:
        """A line of another kind, on the disk before this returns."""
        if self._descriptor is not None and self._write(line):
            self.sync()

    def sync(self) -> None:
        """Wait until all that was written is on the disk; called before the database is told."""
        if self._descriptor is not None and self._unsynced:
            try:
                os.fdatasync(self._descriptor)
                self._unsynced = False
            except OSError:
                log.exception("The receipt journal cannot be brought to the disk")

    def _write(self, line: str) -> bool:
        assert self._descriptor is not None  # noqa: S101 - the callers looked
        content = line.encode("ascii") + b"\n"
        try:
            written = os.write(self._descriptor, content)
        except OSError:
            log.exception("The receipt journal cannot be written")
            written = 0
        self._unsynced = True
        if written < len(content):
            # A full disk may have taken half a line; the next one must not go on in it.
            self._close()
            return False
        return True

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@dataclass(frozen=True, slots=True)
class Entries:
    """What the journal holds of the mails that were asked for."""

    begun: frozenset[str]
    accepted: frozenset[str]
    mark: str  # see `Journal.mark`; empty without a journal


def look_up(message_ids: Collection[str]) -> Entries:
    """Which of `message_ids` were begun and which accepted, as far as this machine's file knows."""
    wanted, begun, accepted = set(message_ids), set(), set()
    with Journal() as journal:
        mark = journal.mark
    path = _path()
    if path is not None and wanted and path.exists():
        with path.open(encoding="ascii", errors="replace") as lines:
            for line in lines:
                # Half a line, as a power cut leaves it, is none.
                found = line[:-1] if line.endswith("\n") else ""
                if found in wanted:
                    accepted.add(found)
                elif found.startswith(BEGUN) and found[len(BEGUN) :] in wanted:
                    begun.add(found[len(BEGUN) :])
    return Entries(frozenset(begun), frozenset(accepted), mark)


def tail(count: int) -> list[str]:
    """The last receipts since the last line was drawn, at most `count`, the latest last."""
    path = _path()
    if path is None or not path.exists():
        return []
    # Each mail has two lines, and other workers' lines stand between.
    reach = 4 * count * LINE
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - reach))
        whole = file.read().decode("ascii", errors="replace").split("\n")
    lines = whole[1 if size > reach else 0 : -1]
    for number, line in enumerate(reversed(lines)):
        if line.startswith(DRAWN):
            lines = lines[len(lines) - number :]
            break
    receipts = [line for line in lines if line and not line.startswith((BEGUN, HEAD))]
    return receipts[-count:]


def draw_line() -> None:
    """What stands above is accounted for: `tail` ends here. `look_up` still reads it."""
    with Journal() as journal:
        journal.note(f"{DRAWN}{os.getpid()}")


def written_at() -> dt.datetime:
    """When the file was last written (aware UTC); only for one that is there."""
    path = _path()
    assert path is not None  # noqa: S101 - `tail` has found something in it
    return dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)


def _path() -> Path | None:
    """Where the journal is; None when REMINDER_JOURNAL is set to nothing."""
    path = Path(settings.REMINDER_JOURNAL)
    return None if path == Path() else path


def _open(path: Path) -> int:
    """The file, ready for whole lines; a new one begins with a name of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    size = os.fstat(descriptor).st_size
    if size == 0:
        os.write(descriptor, f"{HEAD}{secrets.token_hex(16)}\n".encode("ascii"))
    elif os.pread(descriptor, 1, size - 1) != b"\n":
        os.write(descriptor, b"\n")  # a power cut has left half a line
    return descriptor


def _mark(descriptor: int) -> str:
    head = os.pread(descriptor, LINE, 0).partition(b"\n")[0]
    try:
        boot = BOOT_ID.read_bytes()
    except OSError:
        return ""
    if not head.startswith(HEAD.encode("ascii")):
        return ""  # begun by an earlier version, which wrote no first lines
    return sha256(head + boot).hexdigest()[:16]
