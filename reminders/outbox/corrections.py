"""Who was told a due date that a correction of the record has moved since."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import groupby
from operator import attrgetter

from django.db.models import Exists, F, OuterRef, Subquery

from ocrevus_tracker.accounts.models import Clinic
from reminders import rules
from reminders.models import OPEN, PATIENT, REOPENABLE, Kind, Reminder, State
from schedules.models import UNDO_FOR, CourseQuerySet, DateMove

from .wanted import Wanted


@dataclass(frozen=True, slots=True)
class Owed:
    """A course whose patient has to hear that the date was put right, before it is named again.

    Without a `fit` nothing is to be done yet: word is on its way, or another mail is, and nobody
    knows yet which date that one told. `corrects_id` is the mail that told the old date.
    """

    patient_id: int
    course_id: int
    due_version: int
    move_id: int
    corrects_id: int
    closed_row: int | None
    fit: rules.Fit | None

    def wanted(self) -> Iterator[Wanted]:
        """The mail about it, if it is time."""
        if self.fit:
            told: dict[str, object] = {
                "date_move_id": self.move_id,
                "corrects_id": self.corrects_id,
            }
            yield Wanted(
                self.patient_id, self.course_id, self.due_version, self.fit, self.closed_row, told
            )


@dataclass(frozen=True, slots=True)
class _Move:
    """A move of a course's due date, with the course as it stands and what its patient heard."""

    pk: int
    patient: int
    course_id: int
    from_on: dt.date | None
    to_on: dt.date | None
    moved_at: dt.datetime
    tell_patient: bool
    due_on: dt.date | None
    due_version: int
    told: dt.date | None  # the due date told last, and by which mail
    told_by: int
    unsure: bool  # another mail may or may not have arrived
    # What became of the mail about this move.
    on_its_way: bool
    over: bool
    closed_row: int | None

    def fit(self, now: dt.datetime) -> rules.Fit | None:
        """The mail about it, unless another one is on its way."""
        about = self.due_on or self.told  # without a new date the old one
        if self.on_its_way or self.unsure or about is None:
            return None
        return rules.fit_moved(due_on=about, moved_at=self.moved_at, undo_for=UNDO_FOR, now=now)


def owed(
    courses: CourseQuerySet, *, now: dt.datetime, clinic: Clinic | None = None
) -> Iterator[Owed]:
    """Those of `courses` to be told at `now` (aware UTC), each once for all its moves so far;
    of one clinic's courses where a clinic is given.

    Nobody is told who never heard the old date, nor when the person who made the last move chose
    to write no mail, nor again when the mail about that move could not be brought.
    """
    for _course, group in groupby(_moves(courses, now, clinic), key=attrgetter("course_id")):
        moves = list(group)
        last = moves[-1]
        dates = [(move.from_on, move.to_on) for move in moves]
        told_wrong = rules.was_told_wrong(last.told, dates, due_on=last.due_on)
        if told_wrong and last.tell_patient and not last.over:
            yield Owed(
                patient_id=last.patient,
                course_id=last.course_id,
                due_version=last.due_version,
                move_id=last.pk,
                corrects_id=last.told_by,
                closed_row=last.closed_row,
                fit=last.fit(now),
            )


def _moves(courses: CourseQuerySet, now: dt.datetime, clinic: Clinic | None) -> Iterator[_Move]:
    """Course by course all the moves of those that moved lately, the last one last."""
    recent = DateMove.objects.filter(moved_at__gt=now - rules.MOVED_USEFUL_FOR).order_by()
    if clinic:
        recent = recent.filter(course__patient__clinic=clinic)
    # By their ids, which are few, so that no plan can begin with all the courses there are.
    ids = set(recent.values_list("course", flat=True))
    if not ids:  # as on most days
        return iter(())
    moved = list(courses.filter(pk__in=ids).values_list("pk", flat=True))
    # A course may have gone on from another one: what counts is what the person was told.
    of_patient = Reminder.objects.filter(patient=OuterRef("course__patient"))
    last_told = of_patient.telling().order_by("-accepted_at", "-pk")
    # By patient and kind, because these have an index.
    rows = of_patient.filter(kind=Kind.DATE_MOVED, date_move=OuterRef("pk"))
    found = (
        DateMove.objects.filter(course__in=moved)
        .annotate(
            patient=F("course__patient_id"),
            due_on=F("course__next_due_on"),
            due_version=F("course__due_version"),
            told=Subquery(last_told.values("told_due_on")[:1]),
            told_by=Subquery(last_told.values("pk")[:1]),
            unsure=Exists(
                of_patient.filter(recipient=PATIENT, state__in=(State.ON_WIRE, State.IN_DOUBT))
            ),
            on_its_way=Exists(rows.filter(state__in=OPEN)),
            over=Exists(rows.exclude(REOPENABLE).exclude(state__in=OPEN)),
            closed_row=Subquery(rows.filter(REOPENABLE).values("pk")[:1]),
        )
        .exclude(told_by=None)
        .order_by("course_id", "moved_at", "pk")
        .values(*(field.name for field in fields(_Move)))
    )
    return (_Move(**row) for row in found)
