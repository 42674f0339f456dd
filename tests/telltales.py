"""What is known of patients must not turn up in logs, error reports, addresses, headers or caches.

Each patient that a test saves leaves telltales: the full name, the e-mail address, the record
number, the phone. While the test runs, whatever is logged, every address that is asked for or led
to, every header of a mail and every row of the cache is looked through for them. One that is seen
fails the test; what it says is where, never what.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.mail import EmailMessage
from django.core.signals import request_started
from django.db.models.signals import post_save

from ocrevus_tracker.json_cache import JsonCache
from schedules.models import Patient

# The tests' own mail server, which is told whom a mail is for.
NOT_OURS = {"mail.log"}
SHORTEST = 6  # characters; a shorter one turns up by chance
# Where the address of the reader belongs. No other header may name anybody.
FOR_THE_POST = {"to"}
# The mail server of the tests themselves says in its log to whom it was asked to write.
NOT_OURS = {"mail.log"}


class Telltales(logging.Handler):
    """Collects where something was told."""

    def __init__(self) -> None:
        super().__init__()
        self.known: set[str] = set()
        self.told: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def learn(self, patient: Patient) -> None:
        facts = (patient.full_name, patient.email, patient.record_number, patient.phone)
        self.known |= {one for one in facts if len(one) >= SHORTEST}

    def look(self, text: str, where: str) -> None:
        if any(one in text for one in self.known):
            self.told.append(where)

    def emit(self, record: logging.LogRecord) -> None:
        if record.name not in NOT_OURS:
            self.look(self.format(record), f"a log line of {record.name}, {record.module}")

    def look_at_mail(self, message: Any) -> None:
        for name, value in message.items():
            if name.lower() not in FOR_THE_POST:
                self.look(str(value), f"the header {name} of a mail")


@contextmanager
def listening(monkeypatch: Any) -> Iterator[Telltales]:
    """Look and listen until the block ends."""
    ears = Telltales()

    def saved(instance: Patient, **_kwargs: Any) -> None:
        ears.learn(instance)

    def asked(environ: dict[str, Any], **_kwargs: Any) -> None:
        ears.look(str(environ.get("PATH_INFO", "")), "an address that was asked for")

    compose, keep = EmailMessage.message, JsonCache._write

    def message(mail: EmailMessage, *args: Any, **kwargs: Any) -> Any:
        made = compose(mail, *args, **kwargs)
        ears.look_at_mail(made)
        return made

    def write(cache: JsonCache, key: str, value: Any, *args: Any, **kwargs: Any) -> bool:
        ears.look(f"{key} {value!r}", "a row of the cache")
        return keep(cache, key, value, *args, **kwargs)

    monkeypatch.setattr(EmailMessage, "message", message)
    monkeypatch.setattr(JsonCache, "_write", write)
    post_save.connect(saved, sender=Patient)
    request_started.connect(asked)
    logging.getLogger().addHandler(ears)
    try:
        yield ears
    finally:
        logging.getLogger().removeHandler(ears)
        request_started.disconnect(asked)
        post_save.disconnect(saved, sender=Patient)
