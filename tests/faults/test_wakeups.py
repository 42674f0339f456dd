"""E4: the broker forgets, restarts and hangs while reminders fall due one after the other."""

import datetime as dt
import os
import signal
import time

import pytest
from django.utils import timezone

from reminders.models import Reminder

from .conftest import scaled
from .people import plan_reminders
from .score import Score
from .test_broker import CELERY, WORKER, Broker, broker

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["broker"]  # the fixture
# One trouble after the other, each so many seconds; meanwhile one reminder falls due each second.
PAUSE = 2.0
LONGEST_DELAY = 60


def spread(seconds: int) -> dict[str, float]:
    """One reminder a second from now on; when each is due (Unix time), by address."""
    rows = list(Reminder.objects.order_by("pk").select_related("patient"))
    now = timezone.now()
    for number, row in enumerate(rows):
        row.next_at = now + dt.timedelta(seconds=10 + number * seconds / len(rows))
    Reminder.objects.bulk_update(rows, ["next_at"], batch_size=500)
    return {row.patient.email: row.next_at.timestamp() for row in rows}


def trouble(number: int, broker: Broker) -> None:
    """It forgets all, is gone and comes back empty, or stands still."""
    if number % 3 == 0:
        broker.client().flushall()
        time.sleep(PAUSE)
    elif number % 3 == 1:
        broker.kill()
        time.sleep(PAUSE / 2)
        broker.start()
        time.sleep(PAUSE / 2)
    else:
        os.kill(broker.process.pid, signal.SIGSTOP)
        time.sleep(PAUSE)
        os.kill(broker.process.pid, signal.SIGCONT)


@pytest.mark.long
def test_a_hundred_troubles_of_the_broker_cost_a_minute_at_most(stages, broker, figure):
    troubles = scaled(100)
    seconds = int(troubles * (PAUSE + 0.3))
    plan_reminders(seconds)
    due = spread(seconds)
    scene = stages(REMINDER_POLL_SECONDS="30")
    broker.start()
    for _one in range(2):
        scene.start(WORKER, REDIS_URL=broker.url)
    schedule = str(scene.folder / "beat")
    scene.start(
        [*CELERY[:-1], "ocrevus_tracker", "beat", "--schedule", schedule, "--pidfile", ""],
        REDIS_URL=broker.url,
    )
    for number in range(troubles):
        trouble(number, broker)
    scene.wait(scene.all_settled, "all are settled", seconds=180)
    score = Score(scene.rows(), scene.mails())
    delays = [mail.began - due[mail.to[0]] for mail in score.mails]
    figure("E4", f"{troubles} troubles, {score}, the longest delay {max(delays):.0f} s")
    score.sound()
    assert score.extra == 0
    assert max(delays) <= LONGEST_DELAY
