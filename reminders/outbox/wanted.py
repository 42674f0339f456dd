"""One reminder that should exist: what follows an event at the clinic, person by person."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reminders import rules
from reminders.consent import refused_kinds
from reminders.models import PATIENT, REOPENABLE, Preference, Reminder, State


@dataclass(frozen=True, slots=True)
class Wanted:
    """A reminder that should exist and does not, or was closed (`closed_row`) and fits again."""

    patient_id: int
    course_id: int
    due_version: int
    fit: rules.Fit
    closed_row: int | None = None
    refers_to: dict[str, object] = field(default_factory=dict)

    def fields(self, now: dt.datetime) -> dict[str, object]:
        """What its row says beside whom it is for."""
        return {
            "due_on": self.fit.due_on,
            "due_version": self.due_version,
            "next_at": max(now, self.fit.not_before),
            "not_after": self.fit.not_after,
            **self.refers_to,
        }


def without_refused(wanted: Sequence[Wanted]) -> list[Wanted]:
    """Those that their patients have not stopped."""
    patients = {one.patient_id for one in wanted}
    refused = {
        choices.patient_id: refused_kinds(choices)
        for choices in Preference.objects.filter(patient__in=patients)
    }
    return [one for one in wanted if one.fit.kind not in refused.get(one.patient_id, ())]


def add(wanted: Iterable[Wanted], *, now: dt.datetime) -> int:
    """Add these rows, or open them again; returns how many. One that somebody else has just added
    is no error.
    """
    wanted = list(wanted)
    Reminder.objects.bulk_create(
        [
            Reminder(
                patient_id=one.patient_id,
                course_id=one.course_id,
                kind=one.fit.kind,
                recipient=PATIENT,
                **one.fields(now),
            )
            for one in wanted
            if one.closed_row is None
        ],
        batch_size=500,
        ignore_conflicts=True,
    )
    for one in wanted:
        if one.closed_row is not None:
            closed = Reminder.objects.filter(REOPENABLE, pk=one.closed_row)
            closed.update(state=State.PLANNED, **one.fields(now))
    return len(wanted)
