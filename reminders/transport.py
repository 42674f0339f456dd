"""Mail in three steps, so that the last look at the database comes between the second and third.

`prepare` (MAIL, RCPT) promises nothing to anybody; then the caller fences its row; `transmit`
(DATA) hands the mail over, or `abandon` (RSET) takes it back. SMTP is driven over the connection
of Django's own backend, so TLS and sign-in follow the settings. Every other Django backend stands
behind the same calls, with its one `send_messages` in the third.
"""

import smtplib
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.core.mail.message import sanitize_address

SERVICE_CLOSING = 421
OK = range(200, 300)
TRY_LATER = range(400, 500)
NEVER = range(500, 600)


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


class Transport(ABC):
    """What both ways of sending have in common; use it as a context manager."""

    @abstractmethod
    def prepare(self, message: EmailMessage) -> None:
        """Get ready to send `message` to its one recipient.

        Raises:
            ValueError: it has not exactly one recipient, or an address that is none.
            Temporary, Unreachable, Permanent: the server says so.
        """

    @abstractmethod
    def transmit(self) -> None:
        """Hand the prepared message over. Raises Temporary, Permanent or Doubt."""

    @abstractmethod
    def abandon(self) -> None:
        """Do not send the prepared message."""

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


def _only_recipient(message: EmailMessage) -> str:
    recipients = message.recipients()
    if len(recipients) != 1:
        raise ValueError("A reminder goes to exactly one recipient.")
    return sanitize_address(recipients[0], "utf-8")


class SmtpTransport(Transport):
    """One connection for all mails, opened when first needed and again when it was lost."""

    def __init__(self, backend: SmtpBackend) -> None:
        self._backend = backend
        self._content = b""

    def prepare(self, message: EmailMessage) -> None:
        recipient = _only_recipient(message)
        sender = sanitize_address(message.from_email, "utf-8")
        self._content = message.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]  # Django's own
        was_open = self._backend.connection is not None
        try:
            self._envelope(sender, recipient)
        except Unreachable:
            # A server may hang up on a connection that was idle or has carried its share.
            if not was_open:
                raise
            self._envelope(sender, recipient)

    def transmit(self) -> None:
        try:
            code, _reply = self._smtp.data(self._content)
        except smtplib.SMTPDataError as error:  # an answer before any content was sent
            code = error.smtp_code
        except OSError as error:  # SMTPServerDisconnected and timeouts included
            self._drop()
            raise Doubt(type(error).__name__) from None
        if code not in OK:
            raise self._refusal(code, otherwise=Doubt)

    def abandon(self) -> None:
        try:
            self._smtp.rset()
        except OSError:
            self._drop()

    def close(self) -> None:
        try:
            self._backend.close()
        except OSError:
            self._drop()

    def _envelope(self, sender: str, recipient: str) -> None:
        """MAIL and RCPT on an open connection."""
        try:
            self._backend.open()
            self._smtp.ehlo_or_helo_if_needed()
            mail_code, _reply = self._smtp.mail(sender)
            if mail_code not in OK:
                # The sender is the same for every mail: this is about us, not about this one.
                self._drop()
                raise Unreachable(mail_code)
            code, _reply = self._smtp.rcpt(recipient)
        except OSError as error:
            self._drop()
            raise Unreachable(getattr(error, "smtp_code", type(error).__name__)) from None
        if code not in OK:
            raise self._refusal(code, otherwise=Unreachable)

    def _refusal(self, code: int, *, otherwise: type[TransportError]) -> TransportError:
        """What an answer other than "yes" means; afterwards the line is ready for the next mail."""
        if code == SERVICE_CLOSING:
            self._drop()
            return Unreachable(code)
        if code in TRY_LATER:
            self.abandon()
            return Temporary(code)
        if code in NEVER:
            self.abandon()
            return Permanent(code)
        self._drop()
        return otherwise(code)

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
            if connection := getattr(self._backend, name):
                connection.close()
            setattr(self._backend, name, None)


class BackendTransport(Transport):
    """Any other Django backend; a connection for each mail, so that files hold one mail each."""

    def __init__(self) -> None:
        self._backend = get_connection()
        self._message = EmailMessage()

    def prepare(self, message: EmailMessage) -> None:
        _only_recipient(message)
        message.message()  # bad headers show now, while nothing is promised
        self._backend, self._message = get_connection(), message
        try:
            self._backend.open()
        except OSError as error:
            raise Unreachable(type(error).__name__) from None

    def transmit(self) -> None:
        try:
            sent = self._backend.send_messages([self._message])
        except Exception as error:  # noqa: BLE001 - what a backend raises is its own affair
            raise Doubt(type(error).__name__) from None
        finally:
            self.abandon()
        if sent == 0:
            raise Temporary("not-sent")

    def abandon(self) -> None:
        self._backend.close()

    def close(self) -> None:
        """Nothing stays open between mails."""
