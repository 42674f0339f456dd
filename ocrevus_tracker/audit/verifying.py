"""Is the trail as it was written? Each row against its signature, the chain, and the anchor.

Says which row is the first that is not, in the order of the chain; what is not sealed comes last.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import DatabaseError, connection
from django.db.models import Count, QuerySet

from . import digests, guards
from .anchor import Anchor, Anchored
from .models import ERASE, Detail, Entry, Seal

ENTRY, SEAL = Entry._meta.db_table, Seal._meta.db_table  # noqa: SLF001 - Django's public _meta
AT_ONCE = 500
WHOLE = Entry.objects.select_related("detail")
# What comes of a value that does not fit its column: SQLite keeps anything.
UNREADABLE = (ValueError, TypeError, OverflowError, DatabaseError)
M = TypeVar("M", Entry, Seal)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written: where, and in what way."""

    table: str
    row: int | str
    why: str


@dataclass(slots=True)
class Report:
    """What the look at the whole trail came to."""

    entries: int = 0
    seals: int = 0
    anchored: int = 0
    unsealed: int = 0
    erased: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Whether nothing was touched."""
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        """The figures, the first finding, and all of them."""
        told = [{"table": one.table, "row": one.row, "why": one.why} for one in self.findings]
        return {
            "ok": self.is_well,
            "entries": self.entries,
            "seals": self.seals,
            "anchored": self.anchored,
            "unsealed": self.unsealed,
            "erased": self.erased,
            "first_bad": told[0] if told else None,
            "findings": told,
        }


def verify(anchor: Anchor, printed: Iterable[Anchored] = ()) -> Report:
    """Look at each row of the trail. `printed` are seals known from a second place."""
    return _Look(anchor, {one.number: one for one in printed}).report_all()


class _Look:
    """One look at the trail, from its first link to what is not sealed yet."""

    def __init__(self, anchor: Anchor, printed: dict[int, Anchored]) -> None:
        self.anchor = anchor
        self.printed = printed
        self.report = Report(entries=Entry.objects.count())
        self.in_chain: set[int] = set()
        self.erased = _erased_until()
        self.hash_before = ""

    def report_all(self) -> Report:
        report = self.report
        numbers = Seal.objects.values_list("number", flat=True)
        links = set(numbers.iterator())
        report.seals = len(links)
        report.anchored = len(links & self.anchor.lines.keys())
        before = 0
        for number in sorted({*links, *self.anchor.lines, *self.printed}):
            if number != before + 1:
                self._find(SEAL, before + 1, "this link of the chain was removed")
            self._look_at_link(number)
            before = number
        self._look_at_the_rest()
        if links and not self.anchor.lines and not self.printed:
            self._find(SEAL, 1, "the anchor outside the database is missing or empty")
        for name in guards.missing(connection):
            self._find("trigger", name, "the database's own guard is missing")
        return report

    def _look_at_link(self, number: int) -> None:
        found = _readable(Seal.objects.all(), [number])
        link, known = found.get(number), self.anchor.get(number)
        entries = list(known.entries) if known else []
        if link is not None:
            entries = entries or _entries_in(link)
        self._look_at_entries(entries)
        if link is None:
            why = "cannot be read" if number in found else "was removed"
            self._find(SEAL, number, f"this link of the chain {why}")
            return
        self._look_for_slipped_in(link, entries)
        if why := self._why_broken(link, known):
            # The entry that was touched is the first to be named, where there is one.
            self._find(SEAL, number, why)
        self.hash_before = link.hash

    def _look_for_slipped_in(self, link: Seal, entries: Sequence[tuple[int, str]]) -> None:
        expected = {pk for pk, _digest in entries}
        for pk, _digest in _entries_in(link):
            if pk not in expected:
                self.in_chain.add(pk)
                self._find(ENTRY, pk, "it was put into the chain after this link was closed")

    def _why_broken(self, link: Seal, known: Anchored | None) -> str:
        if not digests.is_genuine(link, link.hash):
            return "this link of the chain was changed"
        if link.previous != self.hash_before:
            return "this link does not follow the one before it"
        outside = [one.hash for one in (known, self.printed.get(link.number)) if one]
        if any(one != link.hash for one in outside):
            return "the anchor knows another link in this place: the chain was replaced"
        return ""

    def _look_at_entries(self, expected: Sequence[tuple[int, str]]) -> None:
        """`expected` are ids with the digest, or the beginning of it, that was sealed."""
        self.in_chain.update(pk for pk, _digest in expected)
        rows = _readable(WHOLE, [pk for pk, _digest in expected])
        for pk, digest in expected:
            if pk not in rows:
                self._find(ENTRY, pk, "it was removed")
            elif why := self._why_bad(rows[pk], digest):
                self._find(ENTRY, pk, why)

    def _look_at_the_rest(self) -> None:
        """What no link holds: genuine and waiting to be sealed, or put there by somebody else."""
        copies = _copies()
        for pk, entry in self._not_in_chain():
            why = self._why_bad(entry, "")
            if not why and entry and copies.get(entry.digest, pk) != pk:
                why = f"it is a copy of entry {copies[entry.digest]}"
            if why:
                self._find(ENTRY, pk, why)
            else:
                self.report.unsealed += 1

    def _not_in_chain(self) -> Iterator[tuple[int, Entry | None]]:
        ids = Entry.objects.order_by("pk").values_list("pk", flat=True)
        rest = [pk for pk in ids.iterator() if pk not in self.in_chain]
        for start in range(0, len(rest), AT_ONCE):
            yield from sorted(_readable(WHOLE, rest[start : start + AT_ONCE]).items())

    def _why_bad(self, row: Entry | None, digest: str) -> str:
        """What is wrong with a row that is there, sealed with a digest that begins like this."""
        if row is None:
            return "it cannot be read"
        if not digests.is_genuine(row, row.digest):
            return "it was changed, or put in by somebody else than this service"
        if not row.digest.startswith(digest):
            return "another entry stands in its place"
        return self._why_details_bad(row)

    def _why_details_bad(self, entry: Entry) -> str:
        detail: Detail | None = getattr(entry, "detail", None)
        if detail is None:
            if not entry.details:
                return ""
            if entry.pk < self.erased.get(entry.patient_id or 0, 0):
                self.report.erased += 1
                return ""
            return "its details were removed, and no entry says so"
        if not entry.details:
            return "details were added to it"
        return "" if digests.is_genuine(detail, entry.details) else "its details were changed"

    def _find(self, table: str, row: int | str, why: str) -> None:
        self.report.findings.append(Finding(table, row, why))


def _readable(rows: QuerySet[M], ids: Sequence[int]) -> dict[int, M | None]:
    """The rows by primary key; None for one that holds what no such row can hold."""
    try:
        return dict(rows.in_bulk(ids))
    except UNREADABLE:
        if len(ids) == 1:
            return {ids[0]: None}
    found: dict[int, M | None] = {}
    for pk in ids:
        found |= _readable(rows, [pk])
    return found


def _entries_in(link: Seal) -> list[tuple[int, str]]:
    """What the link says it holds; nothing where it says nothing of that kind."""
    try:
        return [(int(pk), str(digest)) for pk, digest in link.entries]
    except (ValueError, TypeError):
        return []


def _erased_until() -> dict[int, int]:
    """The newest entry that tells of erased details, by patient. Only a genuine one counts."""
    told = Entry.objects.filter(act=ERASE, patient_id__isnull=False).order_by("pk")
    rows = _readable(Entry.objects.all(), list(told.values_list("pk", flat=True)))
    return {
        one.patient_id: pk
        for pk, one in sorted(rows.items())
        if one and one.patient_id and digests.is_genuine(one, one.digest)
    }


def _copies() -> dict[str, int]:
    """The first id, by digest, of what is there more than once. The database allows none."""
    twice = (
        Entry.objects.order_by().values("digest").annotate(times=Count("pk")).filter(times__gt=1)
    )
    there = Entry.objects.filter(digest__in=twice.values("digest")).order_by("-pk")
    return dict(there.values_list("digest", "pk"))
