"""Where mail services report what became of a mail. Only what is configured has an address.

Nothing is believed that is not signed, nothing is read that is too long, and a report that is
repeated changes nothing. What is refused has changed nothing either.
"""

import datetime as dt
import hmac
import json
import re
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from anymail.exceptions import AnymailConfigurationError, AnymailWebhookValidationFailure
from anymail.signals import AnymailTrackingEvent
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt

from ocrevus_tracker.accounts.access import services

from . import evidence
from .evidence import PLAIN_ID, Event
from .models import EventKind

LONGEST = 64 * 1024
WINDOW_SECONDS = 5 * 60
SECONDS = re.compile(r"[0-9]{1,12}")  # since 1970
TIMESTAMP, SIGNATURE = "X-Mail-Timestamp", "X-Mail-Signature"


class Malformed(Exception):  # noqa: N818 - reads as a sentence
    """Signed, and not to be understood."""


class Unproven(Exception):  # noqa: N818 - reads as a sentence
    """Not signed, signed by somebody else, or long ago."""


# What parsing may raise when what was sent is not what the service sends.
PARSING = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)


class Strict:
    """A webhook of anymail's that tells "not signed" from "not understood"."""

    def run_validators(self, request: HttpRequest) -> None:
        try:
            super().run_validators(request)  # type: ignore[misc]  # anymail's view comes after
            self.check_age(request)
        except (AnymailWebhookValidationFailure, *PARSING):
            raise Unproven from None

    def check_age(self, request: HttpRequest) -> None:
        """Raises Unproven when the signature is old; not every service dates it."""

    def parse_events(self, request: HttpRequest) -> list[AnymailTrackingEvent]:
        try:
            return super().parse_events(request)  # type: ignore[misc, no-any-return]  # see above
        except (AnymailConfigurationError, *PARSING):  # the former: it is about a mail received
            raise Malformed from None


class Postmark(Strict, PostmarkTrackingWebhookView):  # type: ignore[misc]  # has no types
    """Proven by a user name and password in the address (ANYMAIL_WEBHOOK_SECRET)."""


class Mailgun(Strict, MailgunTrackingWebhookView):  # type: ignore[misc]  # likewise
    """Signed (ANYMAIL_MAILGUN_WEBHOOK_SIGNING_KEY); the signature covers its time, not the rest."""

    def check_age(self, request: HttpRequest) -> None:
        signed = request.POST
        if request.content_type == "application/json":
            signed = json.loads(request.body)["signature"]
        if not _is_recent(str(signed["timestamp"])):
            raise Unproven


SERVICES: dict[str, tuple[str, Callable[..., HttpResponseBase]]] = {
    "postmark": ("WEBHOOK_SECRET", Postmark.as_view()),
    "mailgun": ("MAILGUN_WEBHOOK_SIGNING_KEY", Mailgun.as_view()),
}


@services("POST")
@csrf_exempt
def service(request: HttpRequest, name: str) -> HttpResponseBase:
    """A report of a mail service that django-anymail knows."""
    needed, view = SERVICES.get(name, ("", None))
    if view is None or not settings.ANYMAIL.get(needed):
        raise Http404
    return _answer(request, view)


@services("POST")
@csrf_exempt
def plain(request: HttpRequest) -> HttpResponseBase:
    """A report in our own format, for whatever else can send one: see the README."""
    if not settings.REMINDER_WEBHOOK_KEY:
        raise Http404
    return _answer(request, _take_plain)


def _answer(
    request: HttpRequest, view: Callable[[HttpRequest], HttpResponseBase]
) -> HttpResponseBase:
    length = request.META.get("CONTENT_LENGTH") or ""
    # Without a length nothing of a body is read.
    if length.isdecimal() and int(length) > LONGEST:
        return HttpResponse("Too long.\n", status=413, content_type="text/plain")
    try:
        return view(request)
    except Unproven:
        return HttpResponse("Not signed.\n", status=401, content_type="text/plain")
    except Malformed:
        return HttpResponse("Not understood.\n", status=400, content_type="text/plain")


def _take_plain(request: HttpRequest) -> HttpResponse:
    stamp = request.headers.get(TIMESTAMP, "")
    given = request.headers.get(SIGNATURE, "")
    if not constant_time_compare(given, signature(stamp, request.body)) or not _is_recent(stamp):
        raise Unproven
    now = timezone.now()
    evidence.take(_plain_event(request.body), now=now)
    return HttpResponse("ok\n", content_type="text/plain")


def signature(stamp: str, body: bytes) -> str:
    """HMAC-SHA256 over `stamp` (seconds since 1970, in digits), a dot and `body`, in hex."""
    key = settings.REMINDER_WEBHOOK_KEY.encode()
    return hmac.new(key, stamp.encode() + b"." + body, sha256).hexdigest()


def _is_recent(stamp: str) -> bool:
    seconds = int(stamp) if SECONDS.fullmatch(stamp) else 0
    return abs(time.time() - seconds) <= WINDOW_SECONDS


def _plain_event(body: bytes) -> Event:
    """Raises Malformed."""
    try:
        said = json.loads(body)
        event_id, mark = said["id"], evidence.mark_in(said["message_id"])
        kind, is_hard = EventKind(said["event"]), said.get("hard", False)
        at = dt.datetime.fromisoformat(said["at"])
        recipient = said.get("recipient", "")
        if mark is None or not PLAIN_ID.fullmatch(event_id) or at.tzinfo is None:
            raise Malformed
        if not isinstance(is_hard, bool) or not isinstance(recipient, str):
            raise Malformed
        return Event(
            provider="plain",
            event_id=event_id,
            kind=kind,
            mark=mark,
            at=at.astimezone(dt.UTC),
            is_hard=is_hard,
            recipient=recipient,
        )
    except PARSING:
        raise Malformed from None


# -- What anymail has understood ---------------------------------------------

KINDS = {kind.value: kind for kind in EventKind} | {
    "queued": EventKind.SENT,
    "failed": EventKind.REJECTED,
}


def on_tracking(*, event: AnymailTrackingEvent, esp_name: str, **_more: object) -> None:
    """Receives anymail's signal. Who opened a mail, or pressed a link, is none of our business."""
    mark, kind = _mark_of(event), KINDS.get(event.event_type)
    if mark is None or kind is None:
        return
    now = timezone.now()
    at = event.timestamp or now
    if timezone.is_naive(at):
        at = timezone.make_aware(at, dt.UTC)
    told = (event.event_id, mark, kind.value, event.timestamp)
    evidence.take(
        Event(
            provider=esp_name.lower()[:40],
            event_id=str(event.event_id or evidence.id_of(*told)),
            kind=kind,
            mark=mark,
            at=at,
            is_hard=_is_hard(event, kind),
            recipient=str(event.recipient or ""),
        ),
        now=now,
    )


def _mark_of(event: AnymailTrackingEvent) -> str | None:
    """Ours: as metadata when the mail was handed to the service's API, else as its Message-ID."""
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    return evidence.mark_in(metadata.get("reminder")) or evidence.mark_in(event.message_id)


# How services name an address that is no good; anymail's own words do not tell it from a mailbox
# that is full.
HARD_TYPES = {"HardBounce", "BadEmailAddress"}


def _is_hard(event: AnymailTrackingEvent, kind: EventKind) -> bool:
    if kind not in evidence.CAME_BACK:
        return False
    told: Any = event.esp_event
    if "Type" in told:  # Postmark
        return told["Type"] in HARD_TYPES
    data = told.get("event-data", {})  # Mailgun
    reasons = {"bounce", "suppress-bounce"}
    return data.get("severity") == "permanent" and data.get("reason") in reasons
