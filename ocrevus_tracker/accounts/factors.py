"""The second step of signing in: who needs one, who has one, who has taken it."""

import datetime as dt

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import (
    get_authentication_records,
    record_authentication,
)
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from . import events, sessions
from .models import User

MAIN = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)

# For views that do what a stolen, still open session must not do: change who gets in, take
# data out. Asks again for a password, a code or a passkey, unless that was minutes ago.
again_who_you_are = reauthentication_required


def has_one(user: User) -> bool:
    """Whether `user` has an app or a passkey; recovery codes alone are none."""
    return Authenticator.objects.filter(user=user, type__in=MAIN).exists()


def has_passkey(user: User) -> bool:
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).exists()


def offer_passkey(user: User, now: dt.datetime) -> bool:
    """Whether to offer `user` a passkey in place of codes: at `now` (aware) and never again."""
    if user.needs_second_step or Authenticator.objects.filter(user=user).exists():
        return False
    asked = User.objects.filter(pk=user.pk, passkey_offered_at=None)
    return bool(asked.update(passkey_offered_at=now))


def is_last(authenticator: Authenticator) -> bool:
    """Whether its owner would have no second step without it."""
    others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=MAIN)
    return not others.exclude(pk=authenticator.pk).exists()


def is_proven(request: HttpRequest) -> bool:
    """Whether this session was opened with a second step: an app's code, a recovery code, or a
    passkey that asked for a finger or a PIN.
    """
    records = get_authentication_records(request, request.user)
    return any(record.get("method") == "mfa" for record in records)


def prove(request: HttpRequest, authenticator_type: str) -> None:
    """The signed-in person has just shown that they hold what they set up."""
    record_authentication(request, request.user, method="mfa", type=authenticator_type)


def remove_all(*, user: User) -> None:
    """Take every second step of `user` away and end their sessions: an admin does this in
    person for somebody who lost their phone. They set up a new one when they next sign in.
    """
    with transaction.atomic():
        removed = Authenticator.objects.filter(user=user)
        kinds = list(removed.values_list("type", flat=True))
        removed.delete()
        sessions.end_all(user)
        for kind in kinds:
            events.tell(events.What.FACTOR_REMOVED, user, kind)


def enrol_app(*, user: User, secret: str) -> None:
    """Give `user` an app with this base32 secret, and recovery codes."""
    with transaction.atomic():
        TOTP.activate(user, secret)
        RecoveryCodes.activate(user)


def recovery_codes(user: User) -> list[str]:
    """Those that `user` has not used yet."""
    found = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return found.wrap().get_unused_codes() if found else []


def code_at(secret: str, moment: float) -> str:
    """What an app with this secret shows at `moment`, in seconds since 1970."""
    return format_hotp_value(hotp_value(secret, int(moment) // period()))


def period() -> int:
    """How many seconds an app shows one code."""
    return int(getattr(settings, "MFA_TOTP_PERIOD", 30))
