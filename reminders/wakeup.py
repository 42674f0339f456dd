"""The bell at the worker's door: a call without content, rung after each change.

It may be lost. Whoever saves something does not wait for it: a thread rings, and where the broker
hangs or is away only that thread notices. Workers look for themselves all the same.
"""

import logging
import os
import threading
import time

from django.conf import settings
from kombu import Connection

log = logging.getLogger(__name__)

BROKER_SECONDS = 1
# After a failure nobody rings for so long.
PAUSE_SECONDS = 10
# A call that nobody took has been followed by a worker's own look.
EXPIRES_SECONDS = 60


class Bell:
    """Rings when asked to, from a thread of its own; many wishes at once are one ring."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._lock = threading.Lock()
        self._process = 0

    def ring(self) -> None:
        """Ask for a ring. Costs nothing, whatever the broker does."""
        self._wanted.set()
        if self._process != os.getpid():
            self._start()

    def _start(self) -> None:
        """In each process its own thread: a fork takes none along."""
        with self._lock:
            if self._process != os.getpid():
                threading.Thread(target=self._run, name="bell", daemon=True).start()
                self._process = os.getpid()

    def _run(self) -> None:
        well = True
        while True:
            self._wanted.wait()
            self._wanted.clear()
            try:
                call_worker()
                well = True
            except Exception as error:  # noqa: BLE001 - whatever it is, this thread must go on
                if well:
                    name = type(error).__name__
                    log.warning("The worker cannot be called (%s); it looks for itself", name)
                well = False
                time.sleep(PAUSE_SECONDS)


bell = Bell()


def call_worker() -> None:
    """Put one call into the queue, over a connection of its own. Raises what the broker does to
    it, at the latest after some seconds.
    """
    from .tasks import remind  # noqa: PLC0415 - tasks are Celery's to import first

    patience = {"socket_timeout": BROKER_SECONDS, "socket_connect_timeout": BROKER_SECONDS}
    with Connection(
        settings.CELERY_BROKER_URL, transport_options=patience | {"max_retries": 1}
    ) as broker:
        remind.apply_async(expires=EXPIRES_SECONDS, retry=False, connection=broker)  # type: ignore[call-arg]  # the types lack it
