"""Links in mails that work without signing in. They say nothing, never expire, and change nothing
by themselves: the page behind one acts only on a POST.

A link is bound to one recipient and one purpose by a signature (HMAC-SHA256) with the secret key.
"""

from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import get_script_prefix, reverse

from .models import Helper, Reminder
from .rules import TOPICS

_signer = Signer(salt="reminders.links", sep=".")


class BadLink(Exception):  # noqa: N818 - reads as a sentence
    """Nobody of ours wrote this link."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Whose mails, and which topic of them: `recipient` is as in `Reminder.recipient`."""

    patient_id: int
    recipient: str
    topic: str


def stop_path(reminder: Reminder) -> str | None:
    """Where the recipient of `reminder` stops mails of its topic; None for what has no topic."""
    topic = TOPICS.get(reminder.kind)
    if topic is None:
        return None
    token = _signer.sign(f"stop-{reminder.patient_id}-{topic}-{reminder.recipient}")
    return _path("reminders:stop", token)


def read_stop(token: str) -> Stop:
    """What `stop_path` put into the link. Raises BadLink."""
    patient, topic, recipient = _parts(token, "stop", 3)
    return Stop(int(patient), recipient, topic)


def invitation_path(helper: Helper) -> str:
    """Where a person who was asked to help says yes."""
    return _path("reminders:invitation", _signer.sign(f"help-{helper.pk}"))


def read_invitation(token: str) -> int:
    """The id of the helper that `invitation_path` was made for. Raises BadLink."""
    [helper] = _parts(token, "help", 1)
    return int(helper)


def _parts(token: str, purpose: str, count: int) -> list[str]:
    try:
        found, *parts = _signer.unsign(token).split("-", count)
    except BadSignature:
        raise BadLink from None
    if found != purpose or len(parts) != count:
        raise BadLink
    return parts


def _path(page: str, token: str) -> str:
    before, after = _around_token(page, settings.ROOT_URLCONF, get_script_prefix())
    return f"{before}{token}{after}"


@lru_cache(maxsize=10)
def _around_token(page: str, _urls: str, _prefix: str) -> tuple[str, str]:
    """What stands before and after a page's token. Looked up once: each mail has such a link, and
    Django's search costs more than all else that is done for one.
    """
    before, after = reverse(page, args=["token-here"]).split("token-here")
    return before, after
