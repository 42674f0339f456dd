"""A policy shown on a made-up patient: which mail on which day, and what each would say."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ocrevus_tracker.accounts.models import Clinic, User
from schedules.models import Appointment, Course, Patient

from . import policy_rules, rules
from .emails import compose
from .letter import Letter
from .models import Kind, Level, Preference, Reminder
from .rules import Rule

# Far enough off for every mail of a usual policy to lie ahead.
DUE_IN = dt.timedelta(days=84)
VISIT_AFTER_DUE = dt.timedelta(days=2)
SECOND_VISIT_AFTER = dt.timedelta(days=14)
VISIT_HOUR = 9


@dataclass(frozen=True, slots=True)
class Line:
    """One mail of the made-up patient."""

    day: dt.date
    kind: str

    @property
    def title(self) -> str:
        return str(Kind(self.kind).label)


@dataclass(frozen=True, slots=True)
class Sample:
    """The mail itself, in the words of one level."""

    kind: str
    level: str
    letter: Letter

    @property
    def title(self) -> str:
        return str(Kind(self.kind).label)

    @property
    def level_title(self) -> str:
        return str(Level(self.level).label)

    @property
    def name(self) -> str:
        """How a button names it."""
        return f"{self.kind}:{self.level}"


@dataclass(frozen=True, slots=True)
class MadeUp:
    """The days of a patient who does not exist. All are the clinic's local dates."""

    clinic: Clinic
    due_on: dt.date

    @classmethod
    def at(cls, clinic: Clinic, now: dt.datetime) -> "MadeUp":
        return cls(clinic, clinic.local_date(now) + DUE_IN)

    @property
    def visit_on(self) -> dt.date:
        return self.due_on + VISIT_AFTER_DUE

    @property
    def first_visit_on(self) -> dt.date:
        """Of the two parts of a first dose, when the second is due on `due_on`."""
        return self.due_on - SECOND_VISIT_AFTER

    def lines(self, policy: Iterable[Rule], anchor: str, step: str = "maintenance") -> list[Line]:
        """The mails counted from `anchor`, in their order."""
        anchor_on = self.visit_on if anchor == "visit" else self.due_on
        found = [
            Line(anchor_on + dt.timedelta(days=rule.first_day), rule.kind)
            for rule in policy
            if rule.anchor == anchor and step in rule.steps
        ]
        return sorted(found, key=lambda line: line.day)

    def samples(self, policy: Iterable[Rule]) -> Iterator[Sample]:
        """Each mail of `policy` at its own hour, with the date alone and in plain words."""
        for rule in policy:
            if rule.kind in policy_rules.LIMITS:
                for level in (Level.DATE, Level.PLAIN):
                    yield self.sample(rule, level)

    def sample(self, rule: Rule, level: str) -> Sample:
        """The mail of `rule` on the first day of its window."""
        reminder = self._reminder(rule, level)
        letter = compose(reminder, now=reminder.next_at)
        return Sample(rule.kind, level, letter)

    def _reminder(self, rule: Rule, level: str) -> Reminder:
        """A row that is never saved, about people who are never saved."""
        patient = Patient(
            clinic=self.clinic,
            given_name="Alex",
            family_name="Example",
            email="alex@example.org",
            created_at=self._moment(self.due_on, VISIT_HOUR),
        )
        patient.preference = Preference(patient=patient, level=level)
        course = Course(
            patient=patient,
            regimen_version="preview",
            next_step=rule.steps[0],
            next_due_on=self.due_on,
        )
        about_visit = rule.anchor == "visit"
        anchor_on = self.visit_on if about_visit else self.due_on
        goes_at = self._moment(anchor_on + dt.timedelta(days=rule.first_day), rule.opens)
        visit_at = self._moment(self.visit_on, VISIT_HOUR)
        return Reminder(
            patient=patient,
            course=course,
            kind=rule.kind,
            due_on=anchor_on,
            appointment=Appointment(course=course, starts_at=visit_at) if about_visit else None,
            visit_at=visit_at if about_visit else None,
            next_at=goes_at,
            not_after=goes_at,
        )

    def _moment(self, day: dt.date, hour: int) -> dt.datetime:
        return rules.local_moment(day, hour, self.clinic.tz)


def send_test(*, sample: Sample, user: User) -> None:
    """Send `sample` to the address of `user`, at once and to nobody else.

    Raises:
        OSError: the mail service did not take it (smtplib's errors are of this kind).
    """
    # Nothing that is the row's own: there is no row, and no mails to stop.
    headers = {"Auto-Submitted": "auto-generated"}
    replace(sample.letter, to=user.email, headers=headers).as_message().send()
