"""The end of the chain, kept outside the database: one line a seal, in a file that only grows.

Who can write the database and not this file cannot cut the trail off, nor put another in its
place: `verifying` holds the two side by side. Best kept on another machine's disk; `newest` is
short enough to be printed, or mailed to somebody who keeps it.

A line holds the seal's number, time, hash, and the entries by id, each with the beginning of its
digest, which says which one was touched where the database does not know any more. No line holds
anything about anybody.
"""

import contextlib
import fcntl
import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from .models import Seal

log = logging.getLogger(__name__)

LONGEST_LINE = 1 << 16  # bytes
SHORT = 16  # hex digits of a digest: enough to tell entries apart, the seal's hash holds them all


@dataclass(frozen=True, slots=True)
class Anchored:
    """What the anchor knows of one seal: its hash, and (id, short digest) of its entries; none
    where the anchor is a printed line.
    """

    number: int
    hash: str
    entries: tuple[tuple[int, str], ...] = ()


@dataclass(slots=True)
class Anchor:
    """All that one file says, by the seals' numbers; `unreadable` are numbers of lines."""

    lines: dict[int, bytes] = field(default_factory=dict)
    unreadable: list[int] = field(default_factory=list)

    def get(self, number: int) -> Anchored | None:
        """What is known of one seal."""
        line = self.lines.get(number)
        if line is None:
            return None
        told = json.loads(line)
        entries = tuple((int(pk), str(short)) for pk, short in told.get("entries", ()))
        return Anchored(number, str(told["hash"]), entries)

    def take(self, line: bytes, place: int) -> None:
        """Read one line of the file, the `place`-th."""
        try:
            told = json.loads(line)
            if "anew" in told:
                kept = {one: old for one, old in self.lines.items() if one <= told["after"]}
                self.lines = kept
            else:
                self.lines[int(told["seal"])] = line
        except (ValueError, TypeError, KeyError):
            self.unreadable.append(place)


def path() -> Path | None:
    """Where the anchor is; None when AUDIT_ANCHOR is set to nothing."""
    where = Path(settings.AUDIT_ANCHOR)
    return None if where == Path() else where


def read(file: Path | None = None) -> Anchor:
    """What the file holds; nothing where there is none. What a power cut left half is no line."""
    anchor = Anchor()
    file = file or path()
    if file is None or not file.exists():
        return anchor
    with file.open("rb") as lines:
        for place, line in enumerate(lines, start=1):
            if line.endswith(b"\n"):
                anchor.take(line, place)
    return anchor


def catch_up() -> int:
    """Write down the seals that the file does not have yet; returns how many.

    A file that cannot be written stops no work; the next call writes what is missing.
    """
    file = path()
    if file is None:
        return 0
    try:
        return _append(file, Seal.objects.all())
    except OSError:
        log.exception("The trail's anchor cannot be written")
        return 0


def begin_anew(*, after: int, reason: str) -> None:
    """The seals after number `after` are not to be expected any more: a backup was restored, or
    this is another database. What stands above stays in the file.
    """
    file = path()
    if file is not None:
        with _locked(file) as descriptor:
            _write(descriptor, {"anew": reason, "after": after})


def line_of(seal: Seal) -> dict[str, Any]:
    """What is kept of `seal`."""
    return {
        "seal": seal.number,
        "at": seal.sealed_at.isoformat(),
        "hash": seal.hash,
        "entries": [[pk, digest[:SHORT]] for pk, digest in seal.entries],
    }


def newest() -> str:
    """The last seal in one short line, for a second place; empty where there is none."""
    seal = Seal.objects.last()
    return f"{seal.number}:{seal.hash}" if seal else ""


def _append(file: Path, seals: Any) -> int:  # noqa: ANN401 - a queryset of Seal
    written = 0
    with _locked(file) as descriptor:
        known = _last_known(descriptor)
        for seal in seals.filter(number__gt=known).order_by("number").iterator():
            _write(descriptor, line_of(seal))
            written += 1
        os.fsync(descriptor)
    return written


def _last_known(descriptor: int) -> int:
    """The number of the seal that the last readable line leaves as the newest."""
    size = os.fstat(descriptor).st_size
    reach = LONGEST_LINE
    while reach < 2 * size or reach == LONGEST_LINE:
        tail = os.pread(descriptor, min(reach, size), max(0, size - reach))
        for line in reversed(tail.split(b"\n")):
            with contextlib.suppress(ValueError, TypeError, KeyError):
                told = json.loads(line)
                return int(told["after"] if "anew" in told else told["seal"])
        reach *= 16
    return 0


class _locked:  # noqa: N801 - reads as what it does
    """The file open for appending, by one process at a time, after a whole line."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __enter__(self) -> int:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        self.descriptor = os.open(self.file, flags, 0o600)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        size = os.fstat(self.descriptor).st_size
        if size and os.pread(self.descriptor, 1, size - 1) != b"\n":
            os.write(self.descriptor, b"\n")  # a power cut has left half a line
        return self.descriptor

    def __exit__(self, *_error: object) -> None:
        os.close(self.descriptor)  # which unlocks it


def _write(descriptor: int, told: dict[str, Any]) -> None:
    content = json.dumps(told, separators=(",", ":")).encode("ascii") + b"\n"
    if os.write(descriptor, content) < len(content):
        raise OSError("The disk is full.")
