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
    Case,
    CharField,
    DateField,
    DateTimeField,
    Exists,
    Expression,
    F,
    Field,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)

from reminders import rules
from reminders.models import IS_CLOSED, PATIENT, REOPENABLE, Reminder, State

from .inserting import insert_from


@dataclass(frozen=True, slots=True)
class Cell:
    """The mail for one date. `here` is the condition on facts to be of that date."""

    here: Q
    fit: rules.Fit


@dataclass(frozen=True, slots=True)
class Window:
    """The dates for which one kind of mail may go now. `here` holds for all its cells together:
    the database asks it of each of the facts, and only then which cell it is.
    """

    kind: str
    here: Q
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Batch:
    """Everybody for whom one of the windows is open.

    `facts` are courses or visits, `course` and `patient` say how they name those, `due_on` what
    the mails are about, by the windows. Which facts are looked at is a matter of cost, never of
    truth: adding twice changes nothing.
    """

    facts: QuerySet[Any]
    windows: Sequence[Window]
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
        known = here.alias(mail_kind=self._kind(), mail_due_on=self._due_on())
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

    def _kind(self) -> Expression:
        kinds = [(one.here, one.kind) for one in self.windows]
        return _by_condition(kinds, CharField())

    def _due_on(self) -> Expression:
        if not self.visit:
            return F("next_due_on")
        days = [(cell.here, cell.fit.due_on) for one in self.windows for cell in one.cells]
        return _by_condition(days, DateField())

    def _moments(self, now: dt.datetime) -> dict[str, Expression]:
        """From when on it may go, and until when."""
        cells = [cell for one in self.windows for cell in one.cells]
        begin = [(cell.here, max(now, cell.fit.not_before)) for cell in cells]
        end = [(cell.here, cell.fit.not_after) for cell in cells]
        return {
            "next_at": _by_condition(begin, DateTimeField()),
            "not_after": _by_condition(end, DateTimeField()),
        }


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
    fits = [cell.fit for one in windows for cell in one.cells]
    return Reminder.objects.filter(
        IS_CLOSED,
        REOPENABLE,
        kind__in={fit.kind for fit in fits},
        due_on__in={fit.due_on for fit in fits},
        recipient=PATIENT,
    )


def _by_condition(answers: Sequence[tuple[Q, Any]], field: "Field[Any, Any]") -> Expression:
    """The first answer whose condition holds. A single one needs no condition: it is asked of
    nothing but the facts that are here.
    """
    if len(answers) == 1:
        return Value(answers[0][1], field)
    return Case(*(When(here, then=Value(one, field)) for here, one in answers), output_field=field)
