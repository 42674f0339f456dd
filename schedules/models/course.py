"""A course of treatment: one patient on one regimen, and its stored next dose."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import User
from schedules.announcing import announce
from schedules.engine import forecast as engine
from schedules.engine.history import Position, continued, replay
from schedules.engine.regimens import REGIMENS, Regimen

from .patient import Patient

STEPS = {
    "initial-1": _("first dose, visit 1 of 2"),
    "initial-2": _("first dose, visit 2 of 2"),
    "maintenance": _("maintenance dose"),
}


# The stored forecast.
NEXT_FIELDS = ("next_step", "next_dose_mg", "next_earliest_on", "next_due_on", "lapses_on")


def next_fields(found: engine.Forecast) -> dict[str, Any]:
    """What a course's row holds of a forecast, by field name.

    Once somebody has chosen how to restart, no day lapses the course again.
    """
    dose = found.next
    if dose is None:
        return dict(zip(NEXT_FIELDS, ("", None, None, None, None), strict=True))
    lapses_on = None if found.position.pending else dose.lapses_on
    values = (dose.step, dose.dose_mg, dose.earliest, dose.due, lapses_on)
    return dict(zip(NEXT_FIELDS, values, strict=True))


class StopReason(models.TextChoices):
    """Why infusions ended."""

    PATIENT = "patient", _("The patient's decision")
    REACTION = "reaction", _("A reaction or side effect")
    SWITCHED = "switched", _("Changed to another treatment")
    MOVED = "moved", _("Moved to another clinic")
    PREGNANCY = "pregnancy", _("Pregnancy or family planning")
    DIED = "died", _("Died")
    OTHER = "other", _("Another reason")


class CourseQuerySet(models.QuerySet["Course"]):
    def open(self) -> "CourseQuerySet":
        """Not stopped."""
        return self.filter(stopped_on=None)

    def due_between(self, first: dt.date, last: dt.date) -> "CourseQuerySet":
        """Open, with the next dose due from `first` to `last`, both included."""
        return self.open().filter(next_due_on__range=(first, last))

    def unbooked(self) -> "CourseQuerySet":
        """With no visit booked, past or future, that still waits for its infusion."""
        return self.exclude(appointments__status="booked")

    def mark_unplanned(self) -> int:
        """Ask for their mails to be planned anew, and let none that is on its way go out as it
        was; returns how many courses there are.
        """
        announce()
        return self.update(unplanned=True, due_version=F("due_version") + 1)

    def with_history(self) -> "CourseQuerySet":
        """With all that a forecast reads, in a fixed number of queries."""
        return self.select_related("patient__clinic", "continues").prefetch_related(
            "infusions", "holds", "restarts", "appointments"
        )


class Course(models.Model):
    """One patient on one regimen version, from the order to the end.

    `next_…` is the stored forecast: every date on a page, in a mail or an export is read from
    here. Only `schedules.actions` writes it, in the transaction of the fact that moved it.
    """

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="courses")
    regimen_code = models.CharField(max_length=40, default="ocrevus-iv")
    regimen_version = models.CharField(max_length=20)
    ordered_for = models.DateField(_("first infusion ordered for"), null=True, blank=True)
    started_on = models.DateField(_("started"), null=True, blank=True)
    stopped_on = models.DateField(_("stopped"), null=True, blank=True)
    stop_reason = models.CharField(
        _("why it stopped"), max_length=20, choices=StopReason.choices, blank=True
    )
    stop_note = models.CharField(_("note"), max_length=500, blank=True)
    # After a life-threatening reaction: for good, reversible only by correcting the record (R12).
    contraindicated = models.BooleanField(default=False)
    # The infusion whose reaction ended it, so that putting its record right opens it again.
    ended_by = models.ForeignKey(
        "Infusion", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # The course of the same drug that this one goes on from, under another regimen (A13).
    continues = models.OneToOneField(
        "self", on_delete=models.RESTRICT, null=True, blank=True, related_name="continued_by"
    )
    # What was taken before, for the wash-out (A14): a code of `schedules.engine.washout`.
    previous_drug = models.CharField(_("treatment before this"), max_length=40, blank=True)
    previous_last_on = models.DateField(_("its last dose"), null=True, blank=True)
    # A serious reaction bars the short infusion until a prescriber allows it again.
    short_infusion_allowed_at = models.DateTimeField(null=True, blank=True)
    short_infusion_allowed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    next_step = models.CharField(max_length=20, blank=True)
    next_dose_mg = models.PositiveIntegerField(null=True)
    next_earliest_on = models.DateField(null=True)
    next_due_on = models.DateField(null=True)
    lapses_on = models.DateField(null=True)
    # Rises with every change of the next dose, of its visit, or of whom and what mails go to. A
    # reminder planned for an older version is void, wherever it is on its way.
    due_version = models.PositiveIntegerField(default=0)
    # Something changed that mails may hang on: the next dose, a visit, a hold, the patient's
    # details, the clinic's rules. Whoever plans mails looks here and takes the mark away.
    unplanned = models.BooleanField(default=True, db_default=True)

    objects = CourseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "patient",
                "regimen_code",
                condition=Q(stopped_on=None),
                name="one_open_course_per_patient_and_regimen",
            ),
            models.CheckConstraint(
                condition=Q(next_step__in=["", *STEPS]), name="course_next_step_known"
            ),
            models.CheckConstraint(
                condition=Q(next_step="", next_due_on=None)
                | ~Q(next_step="") & Q(next_due_on__isnull=False),
                name="course_next_step_has_a_due_date",
            ),
            models.CheckConstraint(
                condition=Q(stop_reason__in=["", *StopReason.values]),
                name="course_stop_reason_known",
            ),
            models.CheckConstraint(
                condition=Q(contraindicated=False) | Q(stopped_on__isnull=False),
                name="course_contraindicated_is_stopped",
            ),
            models.CheckConstraint(
                condition=Q(next_due_on__gte=F("next_earliest_on")),
                name="course_due_not_before_earliest",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_due_on"], condition=Q(stopped_on=None), name="open_courses_by_due"
            ),
            models.Index(fields=["id"], condition=Q(unplanned=True), name="courses_unplanned"),
        ]

    def __str__(self) -> str:
        return f"course {self.pk}"

    @property
    def regimen(self) -> Regimen:
        """The protocol version this course was started on; it never changes under it."""
        return REGIMENS[self.regimen_code, self.regimen_version]

    def history(self, today: dt.date) -> list[engine.Infusion]:
        """The infusions that count on `today`, in the engine's terms.

        Reads `infusions`; prefetch them for lists. A row dated after `today` waits for its day.
        What was given under the regimen before (`start`) is not among them.
        """
        return [
            infusion.as_given()
            for infusion in self.infusions.all()
            if infusion.counts and infusion.given_on <= today
        ]

    @property
    def choices(self) -> list[engine.Restart]:
        """The choices made after a lapse, in the engine's terms. Reads `restarts`."""
        return [one.as_chosen() for one in self.restarts.all() if one.voided_at is None]

    @property
    def held(self) -> list[engine.Hold]:
        """The holds and pauses that count, in the engine's terms. Reads `holds`."""
        return [one.as_held() for one in self.holds.all() if one.voided_at is None]

    @property
    def line(self) -> list["Course"]:
        """This course and those that it goes on from, newest first: one clock (A13)."""
        return [self, *(self.continues.line if self.continues else ())]

    @property
    def took_over_on(self) -> dt.date | None:
        """The day from which this regimen ran in place of the one before; None for the first."""
        return self.continues.stopped_on if self.continues else None

    def at(self, day: dt.date) -> "Course":
        """The course of this line to which a dose given on the local date `day` belongs."""
        return next((one for one in self.line if not one._is_later_than(day)), self)  # noqa: SLF001 - its own class

    def _is_later_than(self, day: dt.date) -> bool:
        """Whether the course before this one still ran on `day`."""
        return self.took_over_on is not None and day < self.took_over_on

    def start(self, today: dt.date, *, and_also: Sequence[engine.Infusion] = ()) -> Position:
        """Where the course stood before its own first infusion: the clock of the one it goes on
        from keeps running (A13). `and_also` are infusions not recorded yet.
        """
        before = self.continues
        if before is None:
            return Position()
        earlier = [one for one in and_also if self._is_later_than(one.given_on)]
        own = [one for one in earlier if not before._is_later_than(one.given_on)]  # noqa: SLF001 - its own class
        return continued(
            before.regimen,
            [*before.history(today), *own],
            before.choices,
            before.start(today, and_also=earlier),
            to=self.regimen,
        )

    def position(self, today: dt.date) -> Position:
        """Where the course stands on `today`: which step comes next, and what it counts from."""
        return replay(self.regimen, self.history(today), self.choices, self.start(today))

    def forecast(
        self,
        today: dt.date,
        *,
        and_also: Sequence[engine.Infusion] = (),
        held: Sequence[engine.Hold] | None = None,
    ) -> engine.Forecast:
        """What the engine says on `today`, the clinic's local date.

        `and_also` are infusions not recorded yet, `held` the holds in place of those recorded:
        what would follow if they were?
        """
        return engine.forecast(
            self.regimen,
            today=today,
            history=[
                *self.history(today),
                *(one for one in and_also if not self._is_later_than(one.given_on)),
            ],
            ordered_for=self.ordered_for,
            holds=self.held if held is None else held,
            restarts=self.choices,
            stopped_on=self.stopped_on,
            start=self.start(today, and_also=and_also),
        )

    def store_forecast(self, today: dt.date) -> engine.Forecast:
        """Write the next dose into the row and raise `due_version`. The caller's transaction."""
        found = self.forecast(today)
        fields = next_fields(found)
        for name, value in fields.items():
            setattr(self, name, value)
        self.due_version = F("due_version") + 1
        self.unplanned = True
        announce()
        self.save(update_fields=[*fields, "started_on", "stopped_on", "due_version", "unplanned"])
        self.refresh_from_db(fields=["due_version"])
        return found
