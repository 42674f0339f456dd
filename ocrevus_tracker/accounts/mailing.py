"""Sign-in mails leave behind the answer's back.

Writing a mail and handing it to a mail server takes longer than anything else at the door, and
would tell a known address from an unknown one. One thread of the web process does it, the same
work for every address; the page never waits for it. A mail that is lost with its process is
asked for again by its reader, so a row and a worker would add nothing but a delay and a code in
the database. The thread is joined at exit.
"""

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from smtplib import SMTPException
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

log = logging.getLogger(__name__)

# More than a mail server that hangs for its timeout lets wait; then new ones are given up.
MOST_WAITING = 500

_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sign-in-mail")
_room = BoundedSemaphore(MOST_WAITING)
_last: Future[None] | None = None


def send_later(name: str, to: str, language: str, facts: dict[str, Any]) -> None:
    """Have the mail `templates/account/email/<name>_…` written and sent soon."""
    global _last  # noqa: PLW0603 - the end of the queue
    if not _room.acquire(blocking=False):
        log.error("A sign-in mail was given up: %d are waiting", MOST_WAITING)
        return
    _last = _thread.submit(_send, name, to, language, facts)


def settle() -> None:
    """Wait until all mails that were asked for have left."""
    if _last is not None:
        _last.result(timeout=60)


def _send(name: str, to: str, language: str, facts: dict[str, Any]) -> None:
    try:
        with translation.override(language):
            compose(name, to, facts).send()
    except (OSError, SMTPException) as error:
        # Its words may quote the address.
        log.error("A sign-in mail could not be sent: %s", type(error).__name__)  # noqa: TRY400
    finally:
        _room.release()


def compose(name: str, to: str, facts: dict[str, Any]) -> EmailMultiAlternatives:
    """The mail in the language of the moment, from the neutral sender of all mail."""
    stem, facts = f"account/email/{name}", facts | {"site_name": settings.SITE_NAME}
    subject = " ".join(render_to_string(f"{stem}_subject.txt", facts).split())
    body = render_to_string(f"{stem}_message.txt", facts).strip()
    mail = EmailMultiAlternatives(subject, body, settings.DEFAULT_FROM_EMAIL, [to])
    mail.attach_alternative(render_to_string(f"{stem}_message.html", facts), "text/html")
    return mail
