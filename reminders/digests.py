"""The mail about today's lists to each person at a clinic: on weekdays, and only if there is work.

It has counts and links and no names, so it may go to any mailbox.
"""

import datetime as dt
from collections.abc import Iterator

from django.db import transaction
from django.db.models import Exists, OuterRef

from ocrevus_tracker.accounts.models import Clinic, Membership, User
from schedules import worklists

from .models import STOPPABLE, Kind, Reminder, StaffPreference, State
from .rules import local_moment

# By the clinic's clock: sent at 7, and of no use after noon.
GOES_AT, OVER_AT = 7, 12
SATURDAY = 5


def digests(now: dt.datetime) -> Iterator[Reminder]:
    """The rows, unsaved, that `now` (aware UTC) calls for and that are not there.

    From midnight to noon of a weekday, by the clinic's clock. Adding one twice is refused by the
    database, so several planners do no harm.
    """
    for clinic in Clinic.objects.order_by("pk"):
        local = now.astimezone(clinic.tz)
        if local.weekday() >= SATURDAY or local.hour >= OVER_AT:
            continue
        if members := list(_without_digest(clinic, local.date())):
            yield from _rows(clinic, members, now)


def _without_digest(clinic: Clinic, today: dt.date) -> Iterator[Membership]:
    there = Reminder.objects.filter(kind=Kind.DIGEST, member=OuterRef("pk"), due_on=today)
    active = Membership.objects.filter(clinic=clinic, user__is_active=True)
    return (
        active.exclude(mail_preference__wants_digest=False)
        .exclude(Exists(there))
        .order_by("pk")
        .iterator()
    )


def _rows(clinic: Clinic, members: list[Membership], now: dt.datetime) -> Iterator[Reminder]:
    if not any(worklists.counts([clinic], now).values()):
        return
    today = clinic.local_date(now)
    goes_at = local_moment(today, GOES_AT, clinic.tz)
    for member in members:
        yield Reminder(
            kind=Kind.DIGEST,
            member=member,
            recipient=f"staff-{member.pk}",
            due_on=today,
            next_at=max(now, goes_at),
            not_after=local_moment(today, OVER_AT, clinic.tz),
        )


def wants_digest(actor: User, clinic: Clinic) -> bool:
    """Whether `actor` gets the morning's mail about `clinic`."""
    return not StaffPreference.objects.filter(
        membership__user=actor, membership__clinic=clinic, wants_digest=False
    ).exists()


def choose_digest(*, membership: Membership, wanted: bool) -> None:
    """Send the morning's mail to this member of staff from now on, or stop it."""
    with transaction.atomic():
        StaffPreference.objects.update_or_create(
            membership=membership, defaults={"wants_digest": wanted}
        )
        if not wanted:
            Reminder.objects.filter(
                kind=Kind.DIGEST, member=membership, state__in=STOPPABLE
            ).update(state=State.SUPPRESSED)
