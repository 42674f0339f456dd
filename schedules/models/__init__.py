"""People, their courses of treatment, what was given and what is booked.

Rules that must always hold are database constraints; questions about many rows are queryset
methods; a write that touches several models is a verb in `schedules.actions`.
"""

from .access import (
    MOST_TRIES,
    Grant,
    GrantQuerySet,
    PatientInvitation,
    PatientInvitationQuerySet,
)
from .appointment import Appointment, AppointmentQuerySet, AppointmentStatus
from .clinic_rules import ClinicRules, Closure, Region
from .correction import Correction, DateMove
from .course import NEXT_FIELDS, STEPS, Course, CourseQuerySet, StopReason, next_fields
from .hold import Hold, HoldQuerySet, HoldReason, held_on
from .infusion import (
    GIVEN_FIELDS,
    UNDO_FOR,
    Disposition,
    Infusion,
    InfusionQuerySet,
    Outcome,
    Rate,
    Reaction,
    as_given,
)
from .patient import Patient, PatientQuerySet
from .request import PatientRequest, RequestKind
from .restart import Restart, RestartChoice
from .screening import CheckInterval, Finding, Screening, ScreeningQuerySet, ScreeningStatus

__all__ = [
    "GIVEN_FIELDS",
    "MOST_TRIES",
    "NEXT_FIELDS",
    "STEPS",
    "UNDO_FOR",
    "Appointment",
    "AppointmentQuerySet",
    "AppointmentStatus",
    "CheckInterval",
    "ClinicRules",
    "Closure",
    "Correction",
    "Course",
    "CourseQuerySet",
    "DateMove",
    "Disposition",
    "Finding",
    "Grant",
    "GrantQuerySet",
    "Hold",
    "HoldQuerySet",
    "HoldReason",
    "Infusion",
    "InfusionQuerySet",
    "Outcome",
    "Patient",
    "PatientInvitation",
    "PatientInvitationQuerySet",
    "PatientQuerySet",
    "PatientRequest",
    "Rate",
    "Reaction",
    "Region",
    "RequestKind",
    "Restart",
    "RestartChoice",
    "Screening",
    "ScreeningQuerySet",
    "ScreeningStatus",
    "StopReason",
    "as_given",
    "held_on",
    "next_fields",
]
