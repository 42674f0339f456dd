"""Nothing is lost in silence: questions whose answer must be 0."""

import datetime as dt

from django.conf import settings
from django.db.models import Q

from . import outbox
from .models import WAITING, Reminder, State


def audit(*, now: dt.datetime) -> dict[str, int]:
    """How many reminders break each rule at `now` (aware UTC); all 0 when all is well.

    - `due_without_row`: the facts call for one and there is none.
    - `open_past_window`: still on its way when it should have ended. What is in hand or in doubt
      has its lease and its grace.
    - `accepted_without_message_id`: sent, and nobody could find it in a mail log.
    - `failed_not_listed`: did not get through, and no member of staff can see it.
    """
    patience = settings.REMINDER_LEASE_SECONDS + settings.REMINDER_GRACE_SECONDS
    in_hand = Q(state__in=(State.CLAIMED, State.ON_WIRE, State.IN_DOUBT))
    late = Q(state__in=WAITING, not_after__lt=now) | in_hand & Q(
        not_after__lt=now - dt.timedelta(seconds=patience)
    )
    sent = Q(state__in=(State.ACCEPTED, State.DELIVERED, State.BOUNCED))
    seen = Q(course__patient__clinic__memberships__user__is_active=True)
    return {
        "due_without_row": outbox.missing(now=now),
        "open_past_window": Reminder.objects.filter(late).count(),
        "accepted_without_message_id": Reminder.objects.filter(sent, message_id="").count(),
        "failed_not_listed": Reminder.objects.to_check().exclude(seen).count(),
    }
