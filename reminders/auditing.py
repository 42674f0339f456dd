"""Nothing is lost in silence: questions whose answer must be 0."""

import datetime as dt

from django.conf import settings
from django.db.models import Count, Q

from . import outbox
from .models import MAX_DOUBT, SENT, WAITING, WITHOUT_COURSE, DeliveryEvent, Reminder, State
from .readiness import is_stale, seconds_since_work


def audit(*, now: dt.datetime) -> dict[str, int]:
    """How many reminders break each rule at `now` (aware UTC); all 0 when all is well.

    - `due_without_row`: the facts call for one and there is none.
    - `open_past_window`: still on its way when it should have ended. What is in hand or in doubt
      has its lease and its grace.
    - `accepted_without_message_id`: sent, and nobody could find it in a mail log.
    - `failed_not_listed`: did not get through, nobody has looked at it, and no member of staff
      can see it.
    - `doubt_without_end`: in doubt, and past the time at which that had to be decided.
    - `risked_twice`: went on its way again after more doubts than may be risked.
    - `two_on_one_day`: people with more than one mail on a day that counts.
    - `reports_not_followed`: a mail service has said that it was accepted, and its row says not.
    - `waiting_for_a_worker`: ready to go for REMINDER_STALE_SECONDS, and for as long no worker
      has come to its end. Says nothing before the first one has.
    """
    rows = Reminder.objects
    return {
        "due_without_row": outbox.missing(now=now),
        "open_past_window": rows.filter(_late(now)).count(),
        "accepted_without_message_id": rows.filter(_nameless()).count(),
        "failed_not_listed": rows.to_check().exclude(_seen()).count(),
        "doubt_without_end": rows.filter(
            state=State.IN_DOUBT, next_at__lt=now - _patience()
        ).count(),
        "risked_twice": rows.filter(
            state__in=(*WAITING, State.CLAIMED, State.ON_WIRE), doubt__gt=MAX_DOUBT
        ).count(),
        "two_on_one_day": _with_two_on_one_day(),
        "reports_not_followed": DeliveryEvent.objects.filter(reminder__isnull=False)
        .exclude(reminder__state__in=SENT)
        .count(),
        "waiting_for_a_worker": _waiting_for_a_worker(now),
    }


def _patience() -> dt.timedelta:
    return dt.timedelta(seconds=settings.REMINDER_LEASE_SECONDS + settings.REMINDER_GRACE_SECONDS)


def _late(now: dt.datetime) -> Q:
    in_hand = Q(state__in=(State.CLAIMED, State.ON_WIRE, State.IN_DOUBT))
    return Q(state__in=WAITING, not_after__lt=now) | in_hand & Q(not_after__lt=now - _patience())


def _nameless() -> Q:
    return Q(state__in=SENT) & (Q(message_id="") | Q(message_id=None))


def _seen() -> Q:
    """Somebody at the clinic that writes can open its list."""
    staff = "clinic__memberships__user__is_active"
    to_clinic = Q(kind__in=WITHOUT_COURSE, **{f"member__{staff}": True})
    return Q(**{f"patient__{staff}": True}) | to_clinic


def _with_two_on_one_day() -> int:
    # `sent_on` is unique in the database; this asks whether that still holds.
    days = Reminder.objects.filter(sent_on__isnull=False, patient__isnull=False).order_by()
    grouped = days.values("patient", "recipient", "sent_on").annotate(mails=Count("pk"))
    return grouped.filter(mails__gt=1).count()


def _waiting_for_a_worker(now: dt.datetime) -> int:
    seconds = seconds_since_work(now=now)
    if seconds is None or not is_stale(seconds):
        return 0
    ready_at = now - dt.timedelta(seconds=settings.REMINDER_STALE_SECONDS)
    return Reminder.objects.filter(state__in=WAITING, next_at__lt=ready_at).count()
