"""The mail server that all figures rest on: quick, and it keeps what it says yes to."""

import socket
import threading
import time

import pytest

from .stage import Stage

COMMANDS = b"MAIL FROM:<us@example.org>\r\nRCPT TO:<p%d@example.org>\r\nDATA\r\n"
CONTENT = b"Message-ID: <m%d@example.org>\r\nSubject: word\r\n\r\n%s\r\n.\r\n"


@pytest.fixture
def server(tmp_path):
    """A mail server without anything else; no database is asked."""
    stage = Stage(tmp_path, database_url="sqlite:///nowhere")
    stage.start_sink()
    yield stage
    stage.close()


def port(server: Stage) -> int:
    return int((server.folder / "port").read_text())


def push(address: int, first: int, count: int) -> None:
    """Mails over one connection, as fast as PIPELINING lets it."""
    with socket.create_connection(("127.0.0.1", address)) as line:
        replies = line.makefile("rb")
        replies.readline()
        for number in range(first, first + count):
            line.sendall(COMMANDS % number)
            assert [replies.readline()[:3] for _one in range(3)] == [b"250", b"250", b"354"]
            line.sendall(CONTENT % (number, b"x" * 2000))
            assert replies.readline()[:3] == b"250"


def test_it_takes_thousands_of_mails_a_second(server, figure):
    lines = 8
    each = 500
    began = time.monotonic()
    threads = [
        threading.Thread(target=push, args=(port(server), n * each, each)) for n in range(lines)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    seconds = time.monotonic() - began
    figure("sink", f"{lines * each / seconds:,.0f} mails/s, each on disk before its 250")
    assert len({mail.id for mail in server.mails()}) == lines * each
