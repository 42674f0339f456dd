"""The mail server that all figures rest on: quick, and it keeps what it says yes to."""

import socket
import threading
import time

from .score import read_mails

COMMANDS = b"MAIL FROM:<us@example.org>\r\nRCPT TO:<p%d@example.org>\r\nDATA\r\n"
CONTENT = b"Message-ID: <m%d@example.org>\r\nSubject: word\r\n\r\n%s\r\n.\r\n"


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


def test_it_takes_thousands_of_mails_a_second(crew, tmp_path, figure):
    crew.sink(folder=str(tmp_path))
    lines = 8
    each = 500
    began = time.monotonic()
    threads = [
        threading.Thread(target=push, args=(crew.port, n * each, each)) for n in range(lines)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    seconds = time.monotonic() - began
    figure("sink", f"{lines * each / seconds:,.0f} mails/s, each on disk before its 250")
    assert len({mail.id for mail in read_mails(tmp_path / "accepted")}) == lines * each
