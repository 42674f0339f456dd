"""Mail in two calls, so that the last look at the database comes between them.

`ready` connects, and promises nothing to anybody. Then the caller fences its rows, and `hand_over`
carries the mails across one by one, asking once more before the content of each. SMTP is driven
step by step over the connection of Django's own backend, so TLS and sign-in follow the settings.
Every other Django backend stands behind the same calls, with its one `send_messages` in the
second.
"""

import re
import smtplib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.core.mail.message import sanitize_address

from .bounces import return_path
from .emails import Letter

SERVICE_CLOSING = 421
GO_AHEAD = 354
OK = range(200, 300)
TRY_LATER = range(400, 500)
NEVER = range(500, 600)
DATA = b"DATA\r\n"
END_OF_DATA = b"\r\n.\r\n"


class TransportError(Exception):
    """The mail did not go; `code` is an SMTP code or a word, never an address or a name."""

    def __init__(self, code: object) -> None:
        super().__init__(str(code))
        self.code = str(code)


class Temporary(TransportError):  # noqa: N818 - the three ways a mail can fail to go
    """This mail was refused for now."""


class Unreachable(Temporary):
    """No mail can go now: there is no server, or it refuses us as the sender."""


class Permanent(TransportError):  # noqa: N818 - see Temporary
    """This mail was refused for good."""


class Doubt(TransportError):  # noqa: N818 - see Temporary
    """The mail was handed over and no answer came. It may have arrived."""


# Asked with a letter's number just before its content leaves; False keeps it back.
Go = Callable[[int], bool]
# The number of a letter, and what kept it from going: None when the server took it.
Outcome = tuple[int, TransportError | None]


class Transport(ABC):
    """What both ways of sending have in common; use it as a context manager."""

    @abstractmethod
    def prepare(self, letter: Letter, message_id: str) -> Any:  # noqa: ANN401 - its own form of it
        """`letter` in the form that `hand_over` takes; nothing is said to anybody yet.

        Raises:
            ValueError: it has not exactly one recipient, or a header that is none.
        """

    @abstractmethod
    def ready(self) -> None:
        """Be connected and let in. Raises Unreachable."""

    @abstractmethod
    def hand_over(self, letters: Sequence[Any], go: Go) -> Iterator[Outcome]:
        """Send `letters`, as they were prepared, each to its one recipient, and yield what became
        of each, in order.

        Ends early when `go` keeps one back or the line is lost. A letter for which nothing is
        yielded has surely not been sent. `go` is asked in order, and never before the outcome of
        the letter before.

        Raises:
            Unreachable: no further letter can be sent now, nor was the one whose turn it was.
        """

    @abstractmethod
    def close(self) -> None:
        """Hang up."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def open_transport() -> Transport:
    """The transport for the e-mail backend of the settings; it connects when first used."""
    backend = get_connection()
    if isinstance(backend, SmtpBackend):
        return SmtpTransport(backend)
    return BackendTransport()


@dataclass(frozen=True, slots=True)
class _Envelope:
    """The commands before a letter's content, as lines."""

    mail: bytes
    rcpt: bytes
    content: bytes

    @property
    def commands(self) -> bytes:
        """All that comes before the content, in one go."""
        return self.mail + self.rcpt + DATA

    @classmethod
    def of(cls, letter: Letter, message_id: str) -> "_Envelope":
        sender, recipient = _address(return_path(message_id)), _address(letter.to)
        # Transparency (RFC 5321, 4.5.2): a line that begins with a dot gets another one. The first
        # line is a header.
        content = letter.as_bytes().replace(b"\r\n.", b"\r\n..").removesuffix(b"\r\n")
        return cls(
            f"MAIL FROM:<{sender}>\r\n".encode("ascii"),
            f"RCPT TO:<{recipient}>\r\n".encode("ascii"),
            content + END_OF_DATA,
        )


PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")


def _address(address: str) -> str:
    """As it stands in an envelope. Raises ValueError for what is not one address."""
    # Nearly all are plain, and Django's own look at one takes longer than the rest of a mail.
    return address if PLAIN_ADDRESS.fullmatch(address) else sanitize_address(address, "utf-8")


class SmtpTransport(Transport):
    """One connection for all mails, opened when first needed and again when it was lost.

    A server that offers PIPELINING (RFC 2920) gets the commands of a letter in one go, together
    with the content of the letter before; so each costs one round trip instead of four.
    """

    def __init__(self, backend: SmtpBackend) -> None:
        self._backend = backend

    def prepare(self, letter: Letter, message_id: str) -> _Envelope:
        return _Envelope.of(letter, message_id)

    def ready(self) -> None:
        if self._backend.connection is not None and not self._is_alive():
            self._drop()
        try:
            self._backend.open()
            self._smtp.ehlo_or_helo_if_needed()
        except OSError as error:
            self._drop()
            raise Unreachable(getattr(error, "smtp_code", type(error).__name__)) from None

    def hand_over(self, letters: Sequence[_Envelope], go: Go) -> Iterator[Outcome]:
        said = False  # the commands of this letter went with the content of the one before
        for number, envelope in enumerate(letters):
            if refusal := self._introduce(envelope, said=said):
                said = False
                yield number, refusal
                continue
            if not go(number):
                self._drop()  # after the server's "go ahead" there is no other way back
                return
            rest = letters[number + 1 :]
            after = rest[0] if rest and self._pipelines else None
            yield number, self._carry(envelope, after)
            said = after is not None
            if self._backend.connection is None:
                return  # the others go over a new line

    def close(self) -> None:
        try:
            self._backend.close()
        except OSError:
            self._drop()

    @property
    def _pipelines(self) -> bool:
        return bool(self._smtp.has_extn("pipelining"))

    def _introduce(self, envelope: _Envelope, *, said: bool) -> TransportError | None:
        """MAIL, RCPT and DATA; None when the server waits for the content.

        Raises:
            Unreachable: it refuses us as the sender, or has hung up.
        """
        try:
            if said or self._pipelines:
                if not said:
                    self._smtp.send(envelope.commands)
                mail, rcpt, data = (self._reply() for _ in range(3))
            else:
                mail, rcpt, data = self._one_by_one(envelope)
        except OSError as error:
            self._drop()
            raise Unreachable(getattr(error, "smtp_code", type(error).__name__)) from None
        if mail in OK and rcpt in OK and data == GO_AHEAD:
            return None
        return self._refused(mail, rcpt, data)

    def _one_by_one(self, envelope: _Envelope) -> tuple[int, int, int]:
        replies = [0, 0, 0]
        for number, line in enumerate((envelope.mail, envelope.rcpt, DATA)):
            self._smtp.send(line)
            replies[number] = self._reply()
            if replies[number] not in OK:
                break
        return replies[0], replies[1], replies[2]

    def _refused(self, mail: int, rcpt: int, data: int) -> TransportError:
        """What the first answer other than "yes" means."""
        if data == GO_AHEAD:
            self._end_empty()
        if mail not in OK:
            # The sender is the same for every mail: this is about us, not about this one.
            self._drop()
            raise Unreachable(mail)
        return self._refusal(rcpt if rcpt not in OK else data, otherwise=Unreachable)

    def _end_empty(self) -> None:
        """A server may ask for the content though it refused the recipient (RFC 2920, 3.1)."""
        try:
            self._smtp.send(b".\r\n")
            self._reply()
        except OSError:
            self._drop()

    def _carry(self, envelope: _Envelope, after: _Envelope | None) -> TransportError | None:
        """The content, with the commands of the letter `after` it; None when it was taken."""
        commands = after.commands if after else b""
        try:
            self._smtp.send(envelope.content + commands)
            code = self._reply()
        except OSError as error:  # SMTPServerDisconnected and timeouts included
            self._drop()
            return Doubt(type(error).__name__)
        # The letter after it has been introduced already: no RSET may come between.
        return None if code in OK else self._refusal(code, otherwise=Doubt, reset=not after)

    def _refusal(
        self, code: int, *, otherwise: type[TransportError], reset: bool = True
    ) -> TransportError:
        """What an answer other than "yes" means; afterwards the line is ready for the next mail.

        Raises:
            Unreachable: nothing more can be sent on it.
        """
        if code == SERVICE_CLOSING or code not in (*TRY_LATER, *NEVER):
            self._drop()
            found = Unreachable(code) if code == SERVICE_CLOSING else otherwise(code)
            if isinstance(found, Unreachable):
                raise found
            return found
        if reset and self._backend.connection is not None:
            self._reset()
        return Temporary(code) if code in TRY_LATER else Permanent(code)

    def _reset(self) -> None:
        try:
            self._smtp.rset()
        except OSError:
            self._drop()

    def _is_alive(self) -> bool:
        """A server may hang up on a connection that was idle or has carried its share."""
        try:
            code, _reply = self._smtp.noop()
        except OSError:
            return False
        return code in OK

    def _reply(self) -> int:
        code, _words = self._smtp.getreply()
        return int(code)

    @property
    def _smtp(self) -> smtplib.SMTP:
        connection = self._backend.connection
        if connection is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        return connection

    def _drop(self) -> None:
        """Hang up without a word, so that nothing half said is completed; start afresh later."""
        # Django has no other way to a connection that is only half open.
        for name in ("connection", "_partial_connection"):
            if connection := getattr(self._backend, name, None):
                connection.close()
            setattr(self._backend, name, None)


class BackendTransport(Transport):
    """Any other Django backend; a connection for each mail, so that files hold one mail each."""

    def prepare(self, letter: Letter, message_id: str) -> EmailMultiAlternatives:
        message = letter.as_message()
        message.metadata = {"reminder": message_id}  # type: ignore[attr-defined]  # anymail's own
        message.message()  # bad headers show now, while nothing is promised
        return message

    def ready(self) -> None:
        """Nothing to do: each mail opens its own connection."""

    def hand_over(self, letters: Sequence[EmailMultiAlternatives], go: Go) -> Iterator[Outcome]:
        # Django names a file by the second and the backend's place in memory: none is given up
        # while another one could take its place, and its name.
        kept = []
        for number, letter in enumerate(letters):
            backend = get_connection()
            kept.append(backend)
            try:
                backend.open()
            except OSError as error:
                raise Unreachable(type(error).__name__) from None
            try:
                if not go(number):
                    return
                yield number, self._send(backend, letter)
            finally:
                backend.close()

    def close(self) -> None:
        """Nothing stays open between mails."""

    def _send(
        self, backend: BaseEmailBackend, letter: EmailMultiAlternatives
    ) -> TransportError | None:
        try:
            sent = backend.send_messages([letter])
        except Exception as error:  # noqa: BLE001 - what a backend raises is its own affair
            return Doubt(type(error).__name__)
        return None if sent else Temporary("not-sent")
