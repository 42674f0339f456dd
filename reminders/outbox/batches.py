"""Reminders by the thousand: one statement for everybody of a place who gets a mail now.

The people of a place who share a date get the same mail at the same moments. So each rule is asked
once for each date, and the answers go into the statement: which mail goes to whom is then decided
by the database, row by row. However many dates there are, it reads the facts once.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import (
    CharField,
    DateField,
    DateTimeField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.expressions import Combinable

from reminders import rules
from reminders.models import IS_CLOSED, PATIENT, REOPENABLE, Reminder, State

from .inserting import insert_from
from .stairs import Stairs

Day = dt.date | dt.datetime


@dataclass(frozen=True, slots=True)
class Cell:
    """The mail for one date, which ends at `end`: the next date, or the next midnight."""

    end: Day
    fit: rules.Fit


@dataclass(frozen=True, slots=True)
class Window:
    """The dates for which one kind of mail may go now, in their order without a gap. `here` is
    the condition on facts to be of these dates, and such as the mail is for.
    """

    kind: str
    here: Q
    cells: Sequence[Cell]

    @property
    def end(self) -> Day:
        """Where the last date ends."""
        return self.cells[-1].end

    @property
    def dates(self) -> set[dt.date]:
        """What its mails are about."""
        return {cell.fit.due_on for cell in self.cells}


@dataclass(frozen=True)
class Batch:
    """Everybody for whom one of the windows is open. No two windows share a date.

    `facts` are courses or visits; `day` is their field with the date or the moment that the
    windows go by, `course` and `patient` say how they name those. Which facts are looked at is a
    matter of cost, never of truth: adding twice changes nothing.
    """

    facts: QuerySet[Any]
    windows: Sequence[Window]
    day: str
    course: str
    patient: str
    due_version: str
    visit: bool = False

    def add(self, now: dt.datetime) -> int:
        """Add the rows that are missing; how many. A closed row of the same course stands in the
        way of a new one: it is left alone here.
        """
        columns: dict[str, Any] = {
            "patient": F(self.patient),
            "course": F(self.course),
            "due_version": F(self.due_version),
            "kind": F("mail_kind"),
            "due_on": F("mail_due_on"),
            **self._moments(now),
        }
        if self.visit:
            columns |= {"appointment": F("pk"), "visit_at": F("starts_at")}
        return insert_from(Reminder, self._unspoken(), columns)

    def missing(self) -> int:
        """How many of its rows are missing or closed, though they should be on their way."""
        return self._unspoken().count()

    def open_again(self, now: dt.datetime) -> int:
        """Those that were closed before anything was sent and are wanted again; how many."""
        again = self._unspoken().filter(
            mail_kind=OuterRef("kind"),
            mail_due_on=OuterRef("due_on"),
            **{self.course: OuterRef("course_id")},
        )
        changes: dict[str, Any] = {}
        if self.visit:
            again = again.filter(starts_at=OuterRef("visit_at"))
            changes["appointment_id"] = Subquery(again.values("pk")[:1])
        changes |= {
            "state": State.PLANNED,
            "due_version": Subquery(again.values(self.due_version)[:1]),
        } | {
            name: Subquery(again.values(**{f"mail_{name}": moment})[:1])
            for name, moment in self._moments(now).items()
        }
        return self._closed().filter(Exists(again)).update(**changes)

    def _unspoken(self) -> QuerySet[Any]:
        """The facts that no row speaks for; one that was closed and may be opened does not."""
        here = self.facts.filter(reduce(or_, (one.here for one in self.windows)))
        known: QuerySet[Any] = here.alias(mail_kind=self._kind(), mail_due_on=self._due_on())
        return known.exclude(Exists(self._rows().exclude(REOPENABLE)))

    def _rows(self) -> QuerySet[Reminder]:
        """The rows that speak for one of the facts.

        One of another course of the same person does too: a change of regimen repeats nothing.
        """
        return Reminder.objects.filter(
            patient=OuterRef(self.patient),
            kind=OuterRef("mail_kind"),
            due_on=OuterRef("mail_due_on"),
            visit_at=OuterRef("starts_at") if self.visit else None,
            recipient=PATIENT,
        )

    def _closed(self) -> QuerySet[Reminder]:
        """Rows that were closed before anything was sent."""
        return closed_rows(self.windows).filter(visit_at__isnull=not self.visit)

    def _kind(self) -> Combinable:
        kinds = [(one.end, one.kind) for one in self.windows]
        return Stairs(self.day, kinds, CharField())

    def _due_on(self) -> Combinable:
        if not self.visit:
            return F(self.day)
        return Stairs(self.day, [(one.end, one.fit.due_on) for one in self._cells()], DateField())

    def _moments(self, now: dt.datetime) -> dict[str, Combinable]:
        """From when on it may go, and until when."""
        begin = [(one.end, max(now, one.fit.not_before)) for one in self._cells()]
        end = [(one.end, one.fit.not_after) for one in self._cells()]
        return {
            "next_at": Stairs(self.day, begin, DateTimeField()),
            "not_after": Stairs(self.day, end, DateTimeField()),
        }

    def _cells(self) -> list[Cell]:
        return [cell for one in self.windows for cell in one.cells]


def add_all(batches: Sequence[Batch], now: dt.datetime) -> int:
    """Add the rows that are missing, and open those again that were closed; how many."""
    if not batches:
        return 0
    added = sum(batch.add(now) for batch in batches)
    if closed_rows([one for batch in batches for one in batch.windows]).exists():
        added += sum(batch.open_again(now) for batch in batches)
    return added


def closed_rows(windows: Iterable[Window]) -> QuerySet[Reminder]:
    """Rows about a date of one of the windows that were closed before anything was sent."""
    windows = list(windows)
    return Reminder.objects.filter(
        IS_CLOSED,
        REOPENABLE,
        kind__in={one.kind for one in windows},
        due_on__in={day for one in windows for day in one.dates},
        recipient=PATIENT,
    )
