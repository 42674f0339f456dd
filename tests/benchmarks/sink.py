"""A mail server that takes everything and costs next to nothing.

BENCH_DELAY is how long (in seconds) each reply takes. As over a network with latency, the time of
a pipelined command runs from its own arrival: replies are late, and do not wait for one another.
"""

import asyncio
import json
import os
import sys

HELLO = b"250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 20000000\r\n"
YES, GO_ON, BYE = b"250 OK\r\n", b"354 Go on\r\n", b"221 Bye\r\n"
END = b"\r\n.\r\n"
MESSAGE_ID = b"\r\nmessage-id:"


class Taken:
    """What has been accepted so far."""

    def __init__(self) -> None:
        self.bytes = self.connections = 0
        self.ids: list[str] = []

    def add(self, content: bytes) -> None:
        self.bytes += len(content)
        head = b"\r\n" + content[: content.find(b"\r\n\r\n")]
        begins = head.lower().find(MESSAGE_ID)
        line = head[begins + len(MESSAGE_ID) :] if begins >= 0 else b""
        self.ids.append(line.split(b"\r\n", 1)[0].strip().decode())


class Conversation(asyncio.Protocol):
    """One SMTP connection."""

    def __init__(self, taken: Taken, delay: float) -> None:
        self.taken, self.delay = taken, delay
        self.buffer = b""
        self.in_mail = False
        self.loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.taken.connections += 1
        self._say(b"220 sink.test\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        replies = b""
        while reply := self._content() if self.in_mail else self._command():
            replies += reply
        if replies:
            self._say(replies)

    def _content(self) -> bytes:
        """The answer to a mail; empty while it is not whole."""
        content, end, rest = self.buffer.partition(END)
        if not end:
            return b""
        self.in_mail = False
        self.buffer = rest
        self.taken.add(content)
        return YES

    def _command(self) -> bytes:
        line, end, rest = self.buffer.partition(b"\r\n")
        if not end:
            return b""
        self.buffer = rest
        verb = line[:4].upper()
        if verb == b"DATA":
            self.in_mail = True
            return GO_ON
        return {b"EHLO": HELLO, b"QUIT": BYE}.get(verb, YES)

    def _say(self, replies: bytes) -> None:
        if self.delay:
            self.loop.call_later(self.delay, self._write, replies)
        else:
            self._write(replies)

    def _write(self, replies: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(replies)
            if replies.endswith(BYE):
                self.transport.close()


async def serve(delay: float) -> None:
    """Answer the commands "port", "taken" (mails, bytes, connections) and "ids", as a Hand does."""
    taken = Taken()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Conversation(taken, delay), "127.0.0.1", 0)
    answers = {
        "port": lambda: server.sockets[0].getsockname()[1],
        "taken": lambda: [len(taken.ids), taken.bytes, taken.connections],
        "ids": lambda: taken.ids,
    }
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        print(json.dumps(answers[json.loads(line)[0]]()), flush=True)


def main() -> None:
    asyncio.run(serve(float(os.environ.get("BENCH_DELAY", "0"))))
