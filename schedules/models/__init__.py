"""People, their courses of treatment, what was given and what is booked.

Rules that must always hold are database constraints; questions about many rows are queryset
methods; a write that touches several models is a verb in `schedules.actions`.
"""

from .appointment import Appointment, AppointmentQuerySet, AppointmentStatus
from .course import STEPS, Course, CourseQuerySet
from .infusion import UNDO_FOR, Disposition, Infusion, InfusionQuerySet, Outcome
from .patient import ADULT_YEARS, Patient, PatientQuerySet

__all__ = [
    "ADULT_YEARS",
    "STEPS",
    "UNDO_FOR",
    "Appointment",
    "AppointmentQuerySet",
    "AppointmentStatus",
    "Course",
    "CourseQuerySet",
    "Disposition",
    "Infusion",
    "InfusionQuerySet",
    "Outcome",
    "Patient",
    "PatientQuerySet",
]
