"""A finished mail, and its form on the wire. Nothing here knows what a mail says."""

import datetime as dt
import re
from binascii import b2a_qp
from dataclasses import dataclass, field
from email.header import Header
from functools import lru_cache

from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import sanitize_address
from django.core.validators import validate_email

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# No line of quoted-printable text can hold "=_", so none of a mail's own can end a part.
BOUNDARY = "=_one-text-in-two-forms"
LONGEST_LINE = 76
SOFT_BREAK = b"=\r\n"


# Without a repr of its fields: they are about a person, and a repr ends in logs.
@dataclass(frozen=True, slots=True, repr=False)
class Letter:
    """One mail to one person. `told_due_on` is the due date that it tells, if it tells one.

    `headers` are those besides Subject, From and To. `secret` are words of the text that nobody
    but its reader may see: they are not kept. `quoted` are text and html as
    quoted-printable lines, where whoever wrote them has these at hand.

    Raises:
        ValidationError: `to` is not exactly one address.
        ValueError: a header holds a line break or another control character.
    """

    subject: str
    text: str
    html: str
    sender: str
    to: str
    headers: dict[str, str]
    told_due_on: dt.date | None = None
    secret: str = ""
    quoted: tuple[bytes, bytes] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        validate_email(self.to)
        outside = (self.subject, self.sender, self.to, *self.headers, *self.headers.values())
        # Joined by something that is no control character, to look once.
        if CONTROL.search("|".join(outside)):
            raise ValueError("A header holds a control character.")

    @property
    def kept_text(self) -> str:
        """The text as the clinic may keep and read it."""
        return self.text.replace(self.secret, "…") if self.secret else self.text

    def as_message(self) -> EmailMultiAlternatives:
        """The mail as Django's own, for whatever backend is set."""
        message = EmailMultiAlternatives(
            subject=self.subject,
            body=self.text,
            from_email=self.sender,
            to=[self.to],
            headers=self.headers,
        )
        message.attach_alternative(self.html, "text/html")
        return message

    def as_bytes(self) -> bytes:
        """The mail as it goes over the wire: ASCII, CRLF, no line of the body above 76 bytes.

        Built by hand: the standard library takes several times as long for the same.
        """
        text, html = self.quoted or (quoted_printable(self.text), quoted_printable(self.html))
        return b"".join(
            (
                self._head(),
                _PART_HEADS["plain"],
                text,
                _PART_HEADS["html"],
                html,
                f"\r\n--{BOUNDARY}--\r\n".encode(),
            )
        )

    def _head(self) -> bytes:
        to = self.to if self.to.isascii() else sanitize_address(self.to, "utf-8")
        lines = [
            f"Subject: {_subject_on_the_wire(self.subject)}",
            f"From: {self.sender}",
            f"To: {to}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
            "MIME-Version: 1.0",
            f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"',
        ]
        return "\r\n".join(lines).encode("ascii")


_PART_HEADS = {
    kind: (
        f"{before}\r\n--{BOUNDARY}\r\n"
        f'Content-Type: text/{kind}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode()
    for kind, before in {"plain": "\r\n", "html": ""}.items()
}


def quoted_printable(text: str) -> bytes:
    """The text as quoted-printable lines with CRLF; its last line leaves room for a soft break."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    quoted = b2a_qp(lines.encode(), istext=True).replace(b"\n", b"\r\n")
    if len(quoted) - quoted.rfind(b"\n") - 1 < LONGEST_LINE:
        return quoted
    return quoted[:-1] + SOFT_BREAK + quoted[-1:]


@lru_cache(maxsize=1000)
def _subject_on_the_wire(subject: str) -> str:
    return Header(subject, None if subject.isascii() else "utf-8", header_name="Subject").encode(
        linesep="\r\n"
    )
