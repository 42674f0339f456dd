"""Ready bytes through smtplib on one connection, and no more."""

import os
import smtplib
from functools import partial

from .hands import cpu_of, serve

LINE = b"A line of a mail as long as they are, so that it comes to the same size ...\r\n"


def send(count: int, connections: list[smtplib.SMTP]) -> None:
    content = b"Message-ID: <floor@example.org>\r\nSubject: Floor\r\n\r\n" + LINE * (
        int(os.environ["BENCH_SIZE"]) // len(LINE)
    )
    for number in range(count):
        connections[0].sendmail("a@example.org", [f"p{number}@example.org"], content)


def main() -> None:
    connections = [smtplib.SMTP("127.0.0.1", int(os.environ["BENCH_PORT"]))]
    serve(
        warm=lambda _number: send(20, connections),
        go=lambda count: cpu_of(partial(send, count, connections)),
    )
