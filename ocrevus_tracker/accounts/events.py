"""What happens at the doors, told to whoever keeps the record of it.

The audit trail is built on accounts, not the other way round, so it says here where events go:
`listen(recorder)`. A recorder gets each event once, in the request in which it happened.

`FAILED` and `CODE_SENT` happen to people who are not signed in, and for addresses that nobody
has. A recorder that treats those differently answers the question who has an account: it must
do the same work with and without a person.
"""

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.utils import timezone

from .models import User

log = logging.getLogger(__name__)


class What(StrEnum):
    SIGNED_IN = "sign in"
    SIGNED_OUT = "sign out"
    TIMED_OUT = "time out"
    FAILED = "fail to sign in"
    CODE_SENT = "ask for a code"
    FACTOR_ADDED = "add a way to sign in"
    FACTOR_REMOVED = "remove a way to sign in"
    RECOVERY_CODES_MADE = "make recovery codes"
    PASSWORD_CHANGED = "change the password"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class Event:
    """`person` is None where nobody has the address that was typed; `detail` is a kind of
    factor or door ("totp", "webauthn", "code"), never anything typed.
    """

    what: What
    at: dt.datetime
    person: User | None
    detail: str = ""


Recorder = Callable[[Event], None]
_recorders: list[Recorder] = []


def listen(recorder: Recorder) -> None:
    """From now on `recorder` hears of each event."""
    if recorder not in _recorders:
        _recorders.append(recorder)


def tell(what: What, person: User | None, detail: str = "") -> None:
    """`what` has just happened to `person`."""
    event = Event(what, timezone.now(), person, detail)
    log.info("%s: user %s %s", what.value, person.pk if person else "-", detail)
    for recorder in _recorders:
        recorder(event)
