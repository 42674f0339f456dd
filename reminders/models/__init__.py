"""What is said, to whom, and what became of it. Rules that must always hold are constraints."""

from .evidence import DeadAddress, DeliveryEvent, Deployment, EventKind, Heartbeat
from .policy import Policy
from .preference import (
    Helper,
    HelperQuerySet,
    Level,
    MailChoices,
    Preference,
    StaffPreference,
    Topic,
)
from .reminder import (
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
    "MailChoices",
    "Policy",
    "Preference",
    "Reminder",
    "ReminderQuerySet",
    "StaffPreference",
    "State",
    "Topic",
    "is_true_on",
]
