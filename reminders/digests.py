"""The clinic's list of today, in numbers, for a mail to its own people: no names."""

import datetime as dt
from collections.abc import Iterator

from django.conf import settings
from django.urls import reverse

from ocrevus_tracker.accounts.models import Clinic
from schedules import worklists

from .models import Kind, Reminder
from .skeletons import Facts, Row


def digest_facts(clinic: Clinic, now: dt.datetime) -> Facts:
    """How many are on each list of `clinic` at `now` (aware), in the order of the lists' tabs."""
    url = settings.SITE_URL + reverse("staff:worklist")
    counts = worklists.counts([clinic], now)
    late = worklists.courses_on("late", [clinic], now).first()
    late_since = late.next_due_on if late else None
    longest = (clinic.local_date(now) - late_since).days if late_since else 0
    rows = tuple(
        Row(name, str(worklists.LISTS[name]), count, f"{url}?list={name}", longest)
        if name == "late"
        else Row(name, str(worklists.LISTS[name]), count, f"{url}?list={name}")
        for name, count in counts.items()
    )
    return Facts(
        kind=Kind.DIGEST.value,
        language="en",
        zone=clinic.time_zone,
        site_name=settings.SITE_NAME,
        url=url,
        greets=True,
        clinic=clinic.name,
        lists=rows,
        not_arrived=Reminder.objects.to_check().filter(patient__clinic=clinic).count(),
    )


def digests(_now: dt.datetime) -> Iterator[Reminder]:
    """Replaced on merge."""
    return iter(())
