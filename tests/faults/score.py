"""What happened, read from outside: the mail server's record, the journal, the rows."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A person at the clinic sees these: not arrived, and not lost.
LISTED = ("FAILED", "EXPIRED")


@dataclass(frozen=True)
class Mail:
    """One mail that the server said yes to, or would have said yes to."""

    id: str
    sender: str
    to: list[str]
    began: float  # Unix time at which DATA came
    secret: bool
    head: str = ""

    @property
    def mark(self) -> str:
        return self.id.split("@")[0]


@dataclass(frozen=True)
class Row:
    pk: int
    email: str
    kind: str
    due_on: object
    mark: str | None  # the left part of the Message-ID
    state: str
    doubt: int


def read_mails(file: Path) -> list[Mail]:
    if not file.exists():
        return []
    # The last line may still be on its way.
    lines = [line for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [_mail(json.loads(line)) for line in lines]


def _mail(record: dict[str, Any]) -> Mail:
    return Mail(
        id=record["id"],
        sender=record["from"],
        to=record["to"],
        began=record["began"],
        secret=record["secret"],
        head=record.get("head", ""),
    )


def read_receipts(file: Path) -> list[str]:
    """The marks of the mails that a worker wrote down as taken; a line of another form is none."""
    lines = file.read_text().splitlines() if file.exists() else []
    return [line for line in lines if line.isalnum()]


@dataclass(frozen=True)
class Score:
    """The figures that decide. Every row of a stage is for a person of its own, so a person with
    two mails got one twice, whatever stands in them.
    """

    rows: list[Row]
    mails: list[Mail]

    @property
    def copies(self) -> Counter[str]:
        """How many mails each person got."""
        return Counter(one for mail in self.mails for one in mail.to)

    @property
    def lost(self) -> list[int]:
        """Rows whose mail the server never took and that nobody sees on a list."""
        got = self.copies
        return [row.pk for row in self.rows if not got[row.email] and row.state not in LISTED]

    @property
    def claimed_too_much(self) -> list[int]:
        """Rows that say "sent" of a mail that the server never took."""
        got = self.copies
        return [row.pk for row in self.rows if not got[row.email] and row.state == "ACCEPTED"]

    @property
    def twice(self) -> dict[str, int]:
        return {person: number for person, number in self.copies.items() if number > 1}

    @property
    def extra(self) -> int:
        return sum(self.twice.values()) - len(self.twice)

    @property
    def doubts(self) -> int:
        return sum(1 for row in self.rows if row.doubt)

    @property
    def unexplained(self) -> list[int]:
        """Rows with a copy for which no doubt is on record, or with more than one."""
        twice = self.twice
        return [
            row.pk
            for row in self.rows
            if row.email in twice and (twice[row.email] > 2 or row.doubt < 1)
        ]

    @property
    def strangers(self) -> set[str]:
        return set(self.copies) - {row.email for row in self.rows}

    @property
    def marks_per_person(self) -> int:
        """The most Message-IDs under which one person got mail; 1 is right."""
        marks = defaultdict(set)
        for mail in self.mails:
            for one in mail.to:
                marks[one].add(mail.mark)
        return max(map(len, marks.values()), default=0)

    @property
    def undecided(self) -> list[Row]:
        """In doubt twice, so that a person decides: the staff sees these on a list."""
        return [row for row in self.rows if row.state == "FAILED"]

    def sound(self) -> None:
        """What holds whatever the fault was."""
        assert self.lost == []
        assert self.claimed_too_much == []
        assert self.unexplained == []
        assert self.strangers == set()
        assert self.marks_per_person <= 1
        assert {len(mail.to) for mail in self.mails} <= {1}

    def __str__(self) -> str:
        return (
            f"{len(self.rows):,} reminders: {len(self.lost)} lost, {self.extra} duplicates, "
            f"{self.doubts} in doubt at some time, {len(self.undecided)} left to a person"
        )
