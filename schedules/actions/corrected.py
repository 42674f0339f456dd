"""What a correction moved: where the patient stood before it, and after."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from schedules.engine.forecast import Forecast
from schedules.models import Appointment, AppointmentStatus, Correction, Course, Infusion


@dataclass(frozen=True, slots=True)
class Standing:
    """What a correction may move: the next due date, the end, the visits by primary key."""

    due_on: dt.date | None
    stopped_on: dt.date | None
    visits: dict[int, Appointment]

    @classmethod
    def of(cls, courses: Sequence[Course]) -> "Standing":
        """Of the course that the patient is on, the last of `courses`; the visits of all."""
        visits = Appointment.objects.filter(course__in=courses).select_related(
            "course__patient__clinic"
        )
        return cls(courses[-1].next_due_on, courses[-1].stopped_on, visits.in_bulk())

    def turned(self, status: str, before: "Standing") -> list[Appointment]:
        """The visits that have `status` now and had another one `before`."""
        return [
            visit
            for pk, visit in self.visits.items()
            if visit.status == status != before.visits[pk].status
        ]


@dataclass(frozen=True, slots=True)
class Corrected:
    """A record put right, and what that moved; a form sent twice made no `correction`."""

    infusion: Infusion
    forecast: Forecast
    before: Standing
    after: Standing
    correction: Correction | None = None

    @property
    def date_moved(self) -> bool:
        """Whether the patient may have been told a date that is no longer right."""
        return self.before.due_on != self.after.due_on

    @property
    def reopened(self) -> list[Appointment]:
        """The visits that are booked again."""
        return self.after.turned(AppointmentStatus.BOOKED, self.before)

    @property
    def cancelled(self) -> list[Appointment]:
        """The visits that are called off."""
        return self.after.turned(AppointmentStatus.CANCELLED, self.before)

    @property
    def resumed(self) -> bool:
        """Whether treatment, which had ended for good, goes on."""
        return self.before.stopped_on is not None and self.after.stopped_on is None

    @property
    def ended(self) -> bool:
        """Whether treatment ends for good."""
        return self.before.stopped_on is None and self.after.stopped_on is not None
