"""Queue one by one, then `send_all`."""

from django.conf import settings
from mailer import send_html_mail
from mailer.engine import send_all

from tests.benchmarks.hands import cpu_of, serve

from . import people


def send(count: int) -> None:
    for one in people.first(count):
        subject, text, html = people.rendered(one)
        send_html_mail(subject, text, html, settings.DEFAULT_FROM_EMAIL, [one.email])
    send_all()


def main() -> None:
    serve(
        fill=people.fill,
        warm=lambda _number: send(people.SPARE),
        go=lambda count: cpu_of(lambda: send(count)),
    )
