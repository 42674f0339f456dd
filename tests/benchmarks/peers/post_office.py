"""Queue in bulk, then `send_queued_mail`."""

import os

from django.conf import settings
from django.core.management import call_command
from django.template.loader import get_template
from post_office import mail
from post_office.models import EmailTemplate

from tests.benchmarks.hands import cpu_of, serve

from . import people

NAME = "reminder"


def fill(count: int) -> None:
    people.fill(count)
    EmailTemplate.objects.create(
        name=NAME,
        subject=_source("mail.subject.txt"),
        content=_source("mail.txt"),
        html_content=_source("mail.html"),
    )


def _source(name: str) -> str:
    return get_template(f"peers/{name}").template.source.strip()


def send(count: int) -> None:
    mail.send_many(
        [
            {
                "recipients": one.email,
                "template": NAME,
                "context": {"subject": "Please book your clinic visit"} | people.context(one),
            }
            for one in people.first(count)
        ]
    )
    lock = str(settings.LOCKS / "post_office")
    processes = int(os.environ.get("BENCH_PROCESSES", "1"))
    call_command("send_queued_mail", processes=processes, lockfile=lock)


def main() -> None:
    serve(
        fill=fill,
        warm=lambda _number: send(people.SPARE),
        go=lambda count: cpu_of(lambda: send(count)),
    )
