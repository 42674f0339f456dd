"""What is said, to whom, and what became of it. Rules that must always hold are constraints."""

from .evidence import DeadAddress, DeliveryEvent, Deployment, EventKind, Heartbeat
from .policy import Policy
from .preference import Helper, HelperQuerySet, Level, Preference, StaffPreference, Topic
from .reminder import (
    CORRECTING,
    MAX_DOUBT,
    OPEN,
    PATIENT,
    REOPENABLE,
    SENT,
    STOPPABLE,
    TO_CHECK,
    WAITING,
    WITHOUT_COURSE,
    Kind,
    Reminder,
    ReminderQuerySet,
    State,
    is_true_on,
)

__all__ = [
    "CORRECTING",
    "MAX_DOUBT",
    "OPEN",
    "PATIENT",
    "REOPENABLE",
    "SENT",
    "STOPPABLE",
    "TO_CHECK",
    "WAITING",
    "WITHOUT_COURSE",
    "DeadAddress",
    "DeliveryEvent",
    "Deployment",
    "EventKind",
    "Heartbeat",
    "Helper",
    "HelperQuerySet",
    "Kind",
    "Level",
    "Policy",
    "Preference",
    "Reminder",
    "ReminderQuerySet",
    "StaffPreference",
    "State",
    "Topic",
    "is_true_on",
]
