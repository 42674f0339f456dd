"""A task per mail for two prefork workers; done when the rows say so."""

import signal
import subprocess
import sys
import time
from functools import partial

from ocrevus_tracker.management.processes import end_with_parent
from tests.benchmarks.hands import cpu_of, serve
from tests.benchmarks.servers import cpu_seconds

from . import people
from .models import Person
from .tasks import remind

APP = ["-W", "ignore", "-m", "celery", "--app", "tests.benchmarks.peers.celery_app", "--quiet"]
LOOK = 0.02  # seconds


class Worker:
    """Celery's worker, in our session so that it ends with us."""

    pid = 0

    def start(self, _number: int) -> None:
        options = ["worker", "--concurrency", "2", "--loglevel", "ERROR"]
        self.pid = subprocess.Popen(
            [sys.executable, *APP, *options],
            preexec_fn=partial(end_with_parent, signal.SIGTERM),  # noqa: PLW1509 - no threads here
        ).pid
        send(people.SPARE)  # it is there when these have gone

    def cost(self, count: int) -> float:
        before = cpu_seconds([self.pid])
        own = cpu_of(lambda: send(count))
        return own + cpu_seconds([self.pid]) - before


def send(count: int) -> None:
    waiting = Person.objects.filter(reminded_at=None).order_by("pk")
    chosen = list(waiting.values_list("pk", flat=True)[:count])
    for pk in chosen:
        remind.delay(pk)
    while Person.objects.filter(pk__in=chosen, reminded_at=None).exists():
        time.sleep(LOOK)


def main() -> None:
    worker = Worker()
    serve(fill=people.fill, warm=worker.start, go=worker.cost)
