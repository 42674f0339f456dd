"""The mark of a mail: its Message-ID, the same in every copy."""

import hmac
from functools import cache
from hashlib import sha256

from django.conf import settings

from .models import Reminder


def message_id_of(reminder: Reminder) -> str:
    """The left part of the Message-ID: opaque, and the same whenever it is made for this mail.

    A keyed hash of ids, of nobody's data: a database that comes back from a backup plans the same
    mail again under the same mark, so the receipts of before are still evidence.
    """
    if reminder.message_id:
        return reminder.message_id
    about = (
        reminder.course_id,
        reminder.kind,
        reminder.due_on,
        reminder.visit_at and int(reminder.visit_at.timestamp()),
        reminder.recipient,
        reminder.date_move_id,
        reminder.corrects_id,
        reminder.resend_of_id,
        reminder.patient_id,
    )
    key = _key(settings.SECRET_KEY)
    return hmac.digest(key, repr(about).encode(), "sha256").hex()[:32]


@cache
def _key(secret: str) -> bytes:
    """A key for this purpose alone."""
    return sha256(b"reminders.identity:" + secret.encode()).digest()
