"""Mails that come back, for clinics without a mail service that reports: each mail leaves under a
sender of its own, so that what comes back says which mail it was.

Of a mail that comes in only the address it came to is believed, and what the delivery report
(RFC 3464) in it says of the outcome. Its words are never kept.
"""

import datetime as dt
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.utils import parseaddr
from functools import lru_cache

from django.conf import settings

from .evidence import Event, id_of
from .models import EventKind

# Enough for a report that carries the whole mail along.
LONGEST = 256 * 1024
# Where a mail server writes the address to which a mail came, the most reliable first.
CAME_TO = ("X-Original-To", "Delivered-To", "Envelope-To", "To")
ACTIONS = {
    "failed": EventKind.BOUNCED,
    "delayed": EventKind.DEFERRED,
    "delivered": EventKind.DELIVERED,
    "relayed": EventKind.SENT,
}
# The recipient's address does not exist or is closed (RFC 3463); a full mailbox, a filter's
# refusal or a broken server may be better tomorrow.
NO_SUCH_ADDRESS = re.compile(r"5\.(?:1\.(?:0|1|2|3|6|10)|2\.1)")


def return_path(message_id: str) -> str:
    """The envelope's sender for the mail `message_id` (a left part): tagged with it when
    REMINDER_BOUNCE_ADDRESS is set, else the address of all mails.
    """
    local, at, domain = settings.REMINDER_BOUNCE_ADDRESS.partition("@")
    if not at:
        return _plain(settings.DEFAULT_FROM_EMAIL)
    return f"{local}+{message_id}@{domain}"


@lru_cache(maxsize=10)
def _plain(sender: str) -> str:
    return parseaddr(sender)[1]


def read(content: bytes, *, now: dt.datetime, came_to: str = "") -> Event | None:
    """What the mail `content` says became of one of ours; None if it says nothing of that kind.

    `came_to` is the address that it came to, when the mail server tells; else its headers are
    asked. `now` is aware UTC: the mail's own date may be anything.
    """
    try:
        mail = message_from_bytes(content[:LONGEST])
        mark = _mark(mail, came_to)
        outcome = _outcome(mail)
    except (RecursionError, LookupError, ValueError):  # a mail made to break its reader
        return None
    if mark is None or outcome is None:
        return None
    kind, is_hard = outcome
    return Event(
        provider="smtp",
        # Of each mail one report of each kind counts: nobody can fill the table.
        event_id=id_of(mark, kind.value, is_hard),
        kind=kind,
        mark=mark,
        at=now,
        is_hard=is_hard,
    )


def _mark(mail: Message, came_to: str) -> str | None:
    local, at, domain = settings.REMINDER_BOUNCE_ADDRESS.partition("@")
    if not at:
        return None
    address = rf"{re.escape(local)}\+([0-9a-z-]{{1,64}})@{re.escape(domain)}"
    tagged = re.compile(rf"(?<![\w.+-]){address}(?![\w.-])", re.IGNORECASE)
    headers = [str(value) for name in CAME_TO for value in mail.get_all(name, [])]
    found = (tagged.search(text) for text in (came_to, *headers))
    return next((match[1].lower() for match in found if match), None)


def _outcome(mail: Message) -> tuple[EventKind, bool] | None:
    for fields in _reports(mail):
        words = str(fields.get("Action", "")).split()
        kind = ACTIONS.get(words[0].lower()) if words else None
        if kind:
            status = str(fields.get("Status", "")).strip()
            no_good = NO_SUCH_ADDRESS.match(status) is not None
            return kind, kind == EventKind.BOUNCED and no_good
    # Some servers write in prose. A person's reply or a holiday note is nothing of the kind.
    if _is_from_a_mail_server(mail):
        return EventKind.BOUNCED, False
    return None


def _reports(mail: Message) -> Iterator[Message]:
    """The fields about each recipient, of which there is one."""
    for part in mail.walk():
        if part.get_content_type() == "message/delivery-status" and part.is_multipart():
            yield from (one for one in part.get_payload() if isinstance(one, Message))


def _is_from_a_mail_server(mail: Message) -> bool:
    if mail.get_content_type() == "multipart/report":
        return False  # a report of another kind, such as "was read"
    answers = str(mail.get("Auto-Submitted", "")).strip().lower().startswith("auto-replied")
    sender = parseaddr(str(mail.get("From", "")))[1].partition("@")[0].lower()
    return sender == "mailer-daemon" and not answers
