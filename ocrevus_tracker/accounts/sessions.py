"""How long somebody stays signed in, and when one session ends all others.

Sessions are rows in the database. Each carries a mark with its kind, when it began and when
it was last used, in seconds since 1970; one without a mark was not made at our doors.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.crypto import get_random_string

from .models import User

MARK = "visit"
FRESH_SECONDS = 5 * 60  # so long after signing in, nobody is asked again who they are
# `seen` is written at most this often: a write for each page would be the dearest part of it.
GRAIN_SECONDS = 60


class Kind(StrEnum):
    STAFF = "staff"
    VISIT = "visit"
    DEVICE = "device"  # "Keep me signed in on this device"


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds: without any request, and all in all."""

    idle: int | None
    whole: int


HOUR = 60 * 60
LIMITS = {
    Kind.STAFF: Limits(idle=HOUR // 2, whole=12 * HOUR),
    Kind.VISIT: Limits(idle=HOUR, whole=12 * HOUR),
    Kind.DEVICE: Limits(idle=None, whole=90 * 24 * HOUR),
}


def begin(session: SessionBase, kind: Kind, now: float) -> None:
    """Somebody has just signed in; all but a device's session end with the browser."""
    session[MARK] = {"kind": kind.value, "began": now, "seen": now}
    session.set_expiry(LIMITS[kind].whole if kind == Kind.DEVICE else 0)


def kind_of(session: SessionBase) -> Kind | None:
    """What was begun, None for a session without a mark."""
    mark = _mark(session)
    return Kind(mark["kind"]) if mark else None


def is_over(session: SessionBase, now: float) -> bool:
    """Whether the session must not be used any more."""
    left = seconds_left(session, now)
    return left is None or left + GRAIN_SECONDS <= 0


def seconds_left(session: SessionBase, now: float) -> int | None:
    """Until the session ends if nothing is done; None without a mark. The session lives up to
    a minute longer than this says, never shorter.
    """
    mark = _mark(session)
    if mark is None:
        return None
    limits = LIMITS[Kind(mark["kind"])]
    left = mark["began"] + limits.whole - now
    if limits.idle is not None:
        left = min(left, mark["seen"] + limits.idle - now)
    return int(left)


def touch(session: SessionBase, now: float) -> None:
    """The session is used now."""
    mark = _mark(session)
    if mark and LIMITS[Kind(mark["kind"])].idle and now - mark["seen"] >= GRAIN_SECONDS:
        session[MARK] = mark | {"seen": now}


def extend(session: SessionBase, now: float) -> None:
    """As `touch`, to the second: somebody asked for more time and was told how much they have."""
    if mark := _mark(session):
        session[MARK] = mark | {"seen": now}


def is_fresh(session: SessionBase, now: float) -> bool:
    """Whether the person has signed in so lately that they need not say again who they are."""
    mark = _mark(session)
    return mark is not None and now - mark["began"] < FRESH_SECONDS


def end_others(request: HttpRequest) -> User:
    """End every session of the signed-in person but this one, which gets a new id."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - only behind a sign-in
    end_all(user)
    update_session_auth_hash(request, user)
    return user


def end_all(user: User) -> None:
    """End every session of `user`: each holds a hash of the stamp and is refused from now on."""
    user.session_stamp = get_random_string(16)
    user.save(update_fields=["session_stamp"])


def _mark(session: SessionBase) -> dict[str, Any] | None:
    mark = session.get(MARK)
    return mark if isinstance(mark, dict) else None
