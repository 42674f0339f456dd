"""What decides whether a mail is called for, asked of the database: visits and open questions."""

import datetime as dt

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast

from schedules.models import Appointment, Disposition, Infusion, Outcome

from . import rules
from .models import Preference


def visits_that_count(now: dt.datetime) -> QuerySet[Appointment]:
    """A course's visits to come at `now` (aware), and for a week those past: somebody may still
    enter what was given.

    After that a visit that was missed must not silence the reminders for ever.
    """
    since = now - rules.MISSED_VISIT_COUNTS_FOR
    return Appointment.objects.booked().filter(course=OuterRef("pk"), starts_at__gte=since)


def undecided(course: OuterRef) -> QuerySet[Infusion]:
    """Infusions of a course, and of the one it goes on from, of which somebody still has to say
    what they count as, or which they were.
    """
    half_known = Q(day_known=False) | Q(ordinal_known=False)
    stopped_early = Q(outcome=Outcome.PARTIAL, disposition=Disposition.UNDECIDED)
    return Infusion.objects.counting().filter(
        Q(course=course) | Q(course__continued_by=course), half_known | stopped_early
    )


def declined(kind: str, *, patient: str = "patient") -> Exists:
    """Whether the patient (a field of the outer query) does not want mails of `kind`."""
    # Read as text: SQLite cannot look into a JSON list.
    chosen = Preference.objects.annotate(stopped=Cast("stopped_topics", TextField()))
    no = Q(stopped__contains=f'"{rules.TOPICS[kind]}"')
    if kind not in rules.NEEDED:
        no |= Q(only_needed=True)
    return Exists(chosen.filter(no, patient=OuterRef(patient)))
