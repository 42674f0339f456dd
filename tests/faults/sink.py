"""`python -m tests.faults.sink FOLDER`: a mail server in a process of its own that can misbehave.

It writes one line of JSON for each mail into `accepted` and waits until that is on disk before it
says 250, so what it has said yes to is on record whoever dies when. Mails whose dot came in the
same moment share one fsync. FOLDER/port says where it is. FOLDER/control is a second port: each
line of JSON sent there sets the server's manners (see `Manners`) and is answered with its counts;
{"folder": …} begins a record in another folder, with good manners.
"""

import asyncio
import json
import os
import random
import re
import ssl
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

ANGLE = re.compile(rb"<([^>]*)>")
MESSAGE_ID = re.compile(rb"^message-id:\s*<([^>]*)>", re.IGNORECASE | re.MULTILINE)
OK = "250 OK"
# Instead of a reply: close the connection, with or without keeping the mail, or say nothing more.
HANG_UP, TAKE_AND_HANG_UP, STALL = "hang up", "take and hang up", "stall"


@dataclass
class Manners:
    """How the server behaves. A step is "connect", "EHLO", "MAIL", "RCPT", "DATA", "inside" (the
    content has begun) or "dot" (it has ended).
    """

    delay: float = 0  # seconds before each reply
    seed: int = 0
    # At each step [probability, reply] one after the other; the first that falls is said.
    chances: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    # What is said first at a step, each once, before chances count.
    script: dict[str, list[str]] = field(default_factory=dict)
    greylist: float = 0  # seconds for which a recipient is asked to come again
    per_second: int = 0  # mails; more are put off with 451
    pipelining: bool = True
    certificate: str = ""  # a file with key and certificate; without one STARTTLS is not offered
    closed: bool = False  # nobody listens at the port
    heads: bool = False  # the headers of each mail go on record as well


class Server:
    """What all connections share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._listener: asyncio.Server | None = None
        self._port = 0
        self._begin(folder)

    def _begin(self, folder: Path) -> None:
        self.manners = Manners()
        self.dice = random.Random(0)
        self.counts: Counter[str] = Counter()
        self.first_seen: dict[str, float] = defaultdict(time.monotonic)
        self.recent: deque[float] = deque()
        self.tls: ssl.SSLContext | None = None
        self._lines: list[bytes] = []
        self._then: list[Callable[[], None]] = []
        self._dots: list[float] = []
        self._file = os.open(folder / "accepted", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def serve(self) -> None:
        await self._listen()
        control = await asyncio.start_server(self._control, "127.0.0.1", 0)
        for name, port in (("port", self._port), ("control", _port_of(control))):
            waiting = self.folder / f"{name}.new"
            waiting.write_text(str(port))
            waiting.rename(self.folder / name)
        await control.serve_forever()

    def keep(self, mail: dict[str, Any], then: Callable[[], None]) -> None:
        """Put `mail` on record; `then()` once it is on disk."""
        self._lines.append(json.dumps(mail).encode() + b"\n")
        self._then.append(then)
        self._dots.append(time.monotonic())
        if len(self._then) == 1:
            asyncio.get_running_loop().call_soon(self._sync)

    def odd_reply(self, step: str) -> str:
        """What the manners have to say at `step` instead of yes; often nothing."""
        if script := self.manners.script.get(step):
            return script.pop(0)
        for chance, reply in self.manners.chances.get(step, ()):
            if self.dice.random() < chance:
                return reply
        return ""

    def too_fast(self) -> bool:
        """Whether a mail more in this second is beyond what the provider allows."""
        now = time.monotonic()
        while self.recent and self.recent[0] < now - 1:
            self.recent.popleft()
        if self.manners.per_second and len(self.recent) >= self.manners.per_second:
            return True
        self.recent.append(now)
        return False

    def _sync(self) -> None:
        lines, then, dots = b"".join(self._lines), self._then, self._dots
        self._lines, self._then, self._dots = [], [], []
        os.write(self._file, lines)
        os.fsync(self._file)
        self.counts["accepted"] += len(then)
        now = time.monotonic()
        self.counts["microseconds to 250"] += sum(int((now - dot) * 1e6) for dot in dots)
        for one in then:
            one()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        make = partial(Conversation, self)
        self._listener = await loop.create_server(make, "127.0.0.1", self._port, backlog=1000)
        self._port = _port_of(self._listener)

    async def _control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            await self._behave(json.loads(line))
            writer.write(json.dumps(self.counts).encode() + b"\n")
        writer.close()

    async def _behave(self, changes: dict[str, Any]) -> None:
        if folder := changes.pop("folder", ""):
            os.close(self._file)
            self._begin(Path(folder))
        for name, value in changes.items():
            setattr(self.manners, name, value)
        if "seed" in changes:
            self.dice = random.Random(changes["seed"])
        if file := changes.get("certificate"):
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(file)
        if self.manners.closed and self._listener:
            self._listener.close()
            self._listener = None
        elif not self.manners.closed and self._listener is None:
            await self._listen()


class Conversation(asyncio.Protocol):
    """One client. Commands that came together are answered one after the other, as they must be."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.buffer = b""
        self.busy = False
        self.in_content = False
        self.secret = False
        self.forget()
        self.verbs: dict[str, Callable[[bytes], None]] = {
            "EHLO": self.on_ehlo, "HELO": self.on_helo, "MAIL": self.on_mail,
            "RCPT": self.on_rcpt, "DATA": self.on_data, "RSET": self.on_rset,
            "NOOP": self.on_noop, "QUIT": self.on_quit, "STARTTLS": self.on_starttls,
        }  # fmt: skip

    def forget(self) -> None:
        self.sender = ""
        self.recipients: list[str] = []
        self.began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        if not self.secret:
            self.server.counts["sessions"] += 1
            self.answer("connect", "220 sink.test ESMTP")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self.go_on()

    def go_on(self) -> None:
        while not self.busy and not self.transport.is_closing():
            before = len(self.buffer)
            self.take_content() if self.in_content else self.take_command()
            if len(self.buffer) == before:
                return

    # -- replies -------------------------------------------------------------

    def answer(self, step: str, yes: str) -> bool:
        """Say `yes`, or what the manners put in its place; whether it was yes."""
        odd = self.server.odd_reply(step)
        if odd == HANG_UP:
            self.transport.abort()
        elif odd == STALL:
            self.busy = True
        else:
            self.say(odd or yes)
        return not odd

    def say(self, reply: str) -> None:
        line = reply.encode() + b"\r\n"
        if not self.server.manners.delay:
            self.transport.write(line)
            return
        self.busy = True
        loop = asyncio.get_running_loop()
        loop.call_later(self.server.manners.delay, self.say_late, line)

    def say_late(self, line: bytes) -> None:
        self.transport.write(line)
        self.resume()

    def resume(self) -> None:
        self.busy = False
        self.go_on()

    # -- commands ------------------------------------------------------------

    def take_command(self) -> None:
        line, end, rest = self.buffer.partition(b"\r\n")
        if end:
            self.buffer = rest
            verb = line[:8].upper().split(b" ")[0].split(b":")[0].decode("ascii", "replace")
            self.server.counts[verb] += 1
            self.verbs.get(verb, self.on_unknown)(line)

    def on_ehlo(self, _line: bytes) -> None:
        manners = self.server.manners
        tls = bool(manners.certificate) and not self.secret
        offers = [
            word for word, on in (("PIPELINING", manners.pipelining), ("STARTTLS", tls)) if on
        ]
        words = ["sink.test", "8BITMIME", *offers]
        reply = [f"250-{word}" for word in words[:-1]] + [f"250 {words[-1]}"]
        self.answer("EHLO", "\r\n".join(reply))

    def on_helo(self, _line: bytes) -> None:
        self.answer("EHLO", OK)

    def on_mail(self, line: bytes) -> None:
        self.forget()
        if self.server.too_fast():
            self.say("451 4.7.1 Too many mails a second")
        elif self.answer("MAIL", OK):
            self.sender = _address(line)

    def on_rcpt(self, line: bytes) -> None:
        address = _address(line)
        come_again = self.server.first_seen[address] + self.server.manners.greylist
        if time.monotonic() < come_again:
            self.say("450 4.2.0 Greylisted, come again")
        elif not self.sender:
            self.say("503 5.5.1 MAIL first")
        elif self.answer("RCPT", OK):
            self.recipients.append(address)

    def on_data(self, _line: bytes) -> None:
        if not self.recipients:
            self.say("503 5.5.1 RCPT first")
        elif self.answer("DATA", "354 Go on"):
            self.in_content = True
            self.began = time.time()
            if self.server.odd_reply("inside"):
                self.transport.abort()

    def on_rset(self, _line: bytes) -> None:
        self.forget()
        self.say(OK)

    def on_noop(self, _line: bytes) -> None:
        self.say(OK)

    def on_quit(self, _line: bytes) -> None:
        self.transport.write(b"221 Bye\r\n")
        self.transport.close()

    def on_unknown(self, _line: bytes) -> None:
        self.say("502 5.5.2 Unknown")

    def on_starttls(self, _line: bytes) -> None:
        if self.server.tls is None:
            self.say("454 4.7.0 No TLS here")
            return
        self.busy = True
        self.transport.write(b"220 Go on\r\n")
        self.switching = asyncio.create_task(self._switch(self.server.tls))

    async def _switch(self, context: ssl.SSLContext) -> None:
        """From here on in secret, and as if nothing had been said before."""
        self.buffer, self.secret = b"", True
        loop = asyncio.get_running_loop()
        try:
            self.transport = await loop.start_tls(self.transport, self, context, server_side=True)
        except (OSError, ssl.SSLError):
            self.server.counts["refused our certificate"] += 1
            return
        self.server.counts["in secret"] += 1
        self.resume()

    # -- content -------------------------------------------------------------

    def take_content(self) -> None:
        content, dot, rest = self.buffer.partition(b"\r\n.\r\n")
        if not dot:
            return
        self.buffer, self.in_content = rest, False
        odd = self.server.odd_reply("dot")
        if odd in {HANG_UP, STALL}:
            self.transport.abort() if odd == HANG_UP else setattr(self, "busy", True)
        elif odd and odd != TAKE_AND_HANG_UP:
            self.say(odd)
        else:
            self.busy = True
            self.server.keep(self._record(content), partial(self.kept, hang_up=bool(odd)))

    def kept(self, *, hang_up: bool) -> None:
        if hang_up:
            self.transport.abort()
        else:
            self.say(OK)
            if not self.server.manners.delay:
                self.resume()

    def _record(self, content: bytes) -> dict[str, Any]:
        head = content.partition(b"\r\n\r\n")[0]
        mark = MESSAGE_ID.search(head)
        record = {
            "id": mark[1].decode() if mark else "",
            "to": self.recipients,
            "from": self.sender,
            "began": self.began,  # when DATA came
            "secret": self.secret,
        }
        if self.server.manners.heads:
            record["head"] = head.decode("utf-8", "replace")
        self.forget()
        return record


def _address(line: bytes) -> str:
    found = ANGLE.search(line)
    return found[1].decode("utf-8", "replace") if found else ""


def _port_of(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


if __name__ == "__main__":
    asyncio.run(Server(Path(sys.argv[1])).serve())
