"""The mail about today's lists to each person at a clinic: on weekdays, and only if there is work.

It has counts and links and no names, so it may go to any mailbox.
"""

import datetime as dt
from collections.abc import Iterator

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse

from ocrevus_tracker.accounts.models import Clinic, Membership, User
from schedules import worklists

from .models import STOPPABLE, Kind, Reminder, StaffPreference, State
from .rules import RULES, local_moment
from .skeletons import Facts, Row, clean

# By the clinic's clock: when it goes, and from when on it is of no use.
RULE = RULES[Kind.DIGEST]
SATURDAY = 5


def digests(now: dt.datetime) -> Iterator[Reminder]:
    """The rows, unsaved, that `now` (aware UTC) calls for and that are not there.

    From midnight to noon of a weekday, by the clinic's clock. Adding one twice is refused by the
    database, so several planners do no harm.
    """
    for clinic in Clinic.objects.order_by("pk"):
        local = now.astimezone(clinic.tz)
        if local.weekday() >= SATURDAY or local.hour >= RULE.closes:
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
    goes_at = local_moment(today, RULE.opens, clinic.tz)
    for member in members:
        yield Reminder(
            kind=Kind.DIGEST,
            member=member,
            recipient=f"staff-{member.pk}",
            due_on=today,
            next_at=max(now, goes_at),
            not_after=local_moment(today, RULE.closes, clinic.tz),
        )


def digest_facts(clinic: Clinic, now: dt.datetime) -> Facts:
    """How many are on each list of `clinic` at `now` (aware), in the order of the lists' tabs."""
    url = f"{settings.SITE_URL}{reverse('staff:worklist', query={'clinic': clinic.slug})}"
    longest = {"late": _longest(clinic, now)}
    return Facts(
        kind=Kind.DIGEST.value,
        language="en",
        zone=clinic.time_zone,
        site_name=clean(settings.SITE_NAME),
        url=url,
        greets=True,
        clinic=clean(clinic.name),
        lists=tuple(
            Row(
                name=name,
                label=str(worklists.LISTS[name]),
                people=people,
                url=f"{url}&list={name}",
                longest=longest.get(name, 0),
            )
            for name, people in worklists.counts([clinic], now).items()
        ),
        not_arrived=Reminder.objects.to_check().filter(patient__clinic=clinic).count(),
    )


def _longest(clinic: Clinic, now: dt.datetime) -> int:
    """For how many days the first on the list of late people has been late; 0 for nobody."""
    first = worklists.courses_on("late", [clinic], now).first()
    if first is None or first.next_due_on is None:
        return 0
    return (clinic.local_date(now) - first.next_due_on).days


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
