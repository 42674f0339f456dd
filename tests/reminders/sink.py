"""A real mail server on the loopback that keeps what it accepts and can misbehave."""

import asyncio
import email
import email.message
import email.policy
import time
from collections import Counter
from collections.abc import Callable

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

OK = "250 OK"
# How long to wait for a server that stalls, in seconds; it does so for longer.
PATIENCE = 1
USUAL = {"EMPTY": "554 no valid recipients", "QUIT": "221 bye"}


class Sink:
    """`answer` maps a step to a reply, or is asked for one: "MAIL", "RCPT", "GO" (the command
    DATA), "DATA" (the content), "EMPTY" (a content without a recipient), "HELO", "NOOP", "RSET"
    or "QUIT".

    The replies "hang up" and "stall" stand for a dropped and a silent connection. With `pipelines`
    it takes several commands in one go, and says so.
    """

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.answer: dict[str, str | Callable[[Envelope], str]] = {}
        self.connections = 0
        self.pipelines = False
        self.asks_all_the_same = False  # for the content, though it refused the recipient
        self.commands: Counter[str] = Counter()
        self._controller = _Controller(self, hostname="127.0.0.1", port=0)

    @property
    def port(self) -> int:
        return self._controller.server.sockets[0].getsockname()[1]

    @property
    def mails(self) -> list[email.message.EmailMessage]:
        return [
            email.message_from_bytes(one.content, policy=email.policy.default)
            for one in self.envelopes
        ]

    @property
    def subjects(self) -> list[str]:
        return [mail["Subject"] for mail in self.mails]

    def start(self) -> None:
        self._controller.start()
        self.connections = 0  # the controller has knocked at its own door

    def stop(self) -> None:
        self._controller.stop(no_assert=True)

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        session.host_name = hostname
        if "HELO" in self.answer:
            return [self.answer["HELO"]]
        offers = ["250-PIPELINING"] if self.pipelines else []
        return [*responses[:-1], *offers, responses[-1]]

    async def handle_HELO(self, server, session, envelope, hostname):  # noqa: N802
        session.host_name = hostname
        return await self._reply("HELO", server, envelope)

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        envelope.mail_from = address
        self.commands["MAIL"] += 1
        reply = await self._reply("MAIL", server, envelope)
        if not reply.startswith("2"):
            envelope.mail_from = None
        return reply

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        envelope.rcpt_tos.append(address)
        reply = await self._reply("RCPT", server, envelope)
        if not (reply.startswith("2") or self.asks_all_the_same):
            envelope.rcpt_tos.remove(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.commands["DATA"] += 1
        if not envelope.content:
            return await self._reply("EMPTY", server, envelope)
        reply = await self._reply("DATA", server, envelope, keep=True)
        if reply.startswith("250"):
            self.envelopes.append(envelope)
        return reply

    async def handle_RSET(self, server, session, envelope):  # noqa: N802
        return await self._reply("RSET", server, envelope)

    async def handle_NOOP(self, server, session, envelope, arg):  # noqa: N802
        return await self._reply("NOOP", server, envelope)

    async def handle_QUIT(self, server, session, envelope):  # noqa: N802
        return await self._reply("QUIT", server, envelope)

    async def _reply(self, step: str, server: SMTP, envelope: Envelope, *, keep=False) -> str:
        wanted = self.answer.get(step, USUAL.get(step, OK))
        reply = wanted(envelope) if callable(wanted) else wanted
        if reply in {"take and hang up", "hang up"}:
            if keep and reply.startswith("take"):
                self.envelopes.append(envelope)
            server.transport.close()
            await asyncio.sleep(0)
            return OK
        if reply == "stall":
            await asyncio.sleep(3 * PATIENCE)
        return reply


class _Server(SMTP):
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """There is no hook for what comes before the content."""
        if reply := self.event_handler.answer.get("GO"):
            await self.push(reply)
        else:
            await super().smtp_DATA(arg)


class _Controller(Controller):
    def factory(self) -> SMTP:
        self.handler.connections += 1
        return _Server(self.handler, hostname="sink.test", enable_SMTPUTF8=False)

    def _trigger_server(self) -> None:
        """Port 0 has become a real one by now."""
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def wait_for(condition: Callable[[], bool], *, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
