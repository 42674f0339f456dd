"""The product's own outbox, from planned rows to settled ones."""

import cProfile
import datetime as dt
import os
import pstats
import sys
import time

from django.utils import timezone

from reminders import outbox
from reminders.models import OPEN, Reminder
from schedules.models import Course

from . import filling
from .hands import cpu_of, serve

# Rows for each process to warm up with before the clock runs.
HANDS, WARM = 8, 20
MINUTE = dt.timedelta(minutes=1)
LONG = 600  # seconds


def fill(count: int) -> None:
    """`count` planned rows ready now, and a few that were ready two hours ago."""
    now = timezone.now()
    # Where it is noon now: mails go by day only.
    hours = 12 - now.hour
    person = filling.make_clinic(f"Etc/GMT{-hours:+d}" if hours else "UTC", now)
    clinic = person.clinic
    due_on = clinic.local_date(now) + dt.timedelta(days=60)
    filling.courses(person, count + HANDS * WARM, due_on)
    Course.objects.update(unplanned=True)
    assert outbox.plan(now=now) == count + HANDS * WARM
    ready = now - 120 * MINUTE
    rows = list(Reminder.objects.order_by("pk").values_list("pk", flat=True))
    for number in range(HANDS):
        own = rows[number * WARM : (number + 1) * WARM]
        Reminder.objects.filter(pk__in=own).update(next_at=ready + number * MINUTE)


def warm(number: int) -> int:
    first = Reminder.objects.order_by("pk").values_list("next_at", flat=True)[0]
    return outbox.deliver(now=first + number * MINUTE)


def deliver(_count: int) -> float:
    """Seconds of CPU for all that is ready; `count` is what was planned."""
    if "BENCH_PROFILE" in os.environ:
        return cpu_of(profiled)
    return cpu_of(lambda: outbox.deliver(now=timezone.now(), seconds=LONG))


def profiled() -> None:
    with cProfile.Profile() as profile:
        outbox.deliver(now=timezone.now(), seconds=LONG)
    found = pstats.Stats(profile, stream=sys.stderr)
    found.sort_stats("tottime").print_stats(25)
    found.sort_stats("cumtime").print_stats("reminders/", 25)


def drain() -> int:
    """Deliver until every row has come to its end; how many rows there are."""
    while Reminder.objects.filter(state__in=OPEN).exists():
        outbox.deliver(now=timezone.now(), seconds=LONG)
        time.sleep(0.1)
    return Reminder.objects.count()


def main() -> None:
    serve(fill=fill, warm=warm, go=deliver, drain=drain)
