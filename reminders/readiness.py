"""`/readyz`: whether reminders are on their way, and if not, what is the matter."""

import datetime as dt
from collections.abc import Iterator

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from redis.backoff import NoBackoff
from redis.retry import Retry

from ocrevus_tracker.accounts.access import anyone

from . import guards
from .models import Heartbeat

BROKER_SECONDS = 1


@anyone("GET")
@never_cache
def readyz(_request: HttpRequest) -> HttpResponse:
    """200 when all is well; else 503 and one reason a line."""
    reasons = list(what_is_wrong(now=timezone.now()))
    text = "".join(f"{reason}\n" for reason in reasons or ["ok"])
    return HttpResponse(text, status=503 if reasons else 200, content_type="text/plain")


def what_is_wrong(*, now: dt.datetime) -> Iterator[str]:
    """The reasons at `now` (aware UTC), none when all is well."""
    try:
        yield from _about_the_work(now)
    except (DatabaseError, InterfaceError) as error:
        connection.close()
        yield f"database: does not answer ({type(error).__name__})"
    if not broker_answers():
        yield "broker: does not answer; workers look for themselves meanwhile"


def seconds_since_work(*, now: dt.datetime) -> int | None:
    """How long ago planning and delivery have both come to their end; None if never."""
    beat = Heartbeat.objects.filter(pk=1).first()
    if beat is None or beat.planned_at is None or beat.delivered_at is None:
        return None
    return max(0, round((now - min(beat.planned_at, beat.delivered_at)).total_seconds()))


def is_stale(seconds: int | None) -> bool:
    """Whether a worker that was well would have worked since."""
    return seconds is None or seconds > settings.REMINDER_STALE_SECONDS


def _about_the_work(now: dt.datetime) -> Iterator[str]:
    reason = guards.refusal()
    if reason:
        yield f"sending: stopped ({reason}). {guards.WHAT_TO_DO[reason]}"
    seconds = seconds_since_work(now=now)
    if seconds is None:
        yield "worker: has never worked"
    elif is_stale(seconds):
        yield f"worker: last worked {seconds} seconds ago"


def broker_answers() -> bool:
    """Whether Redis says PONG within a second or so."""
    try:
        with redis.Redis.from_url(
            _as_redis_names_it(settings.CELERY_BROKER_URL),
            socket_timeout=BROKER_SECONDS,
            socket_connect_timeout=BROKER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        ) as broker:
            return bool(broker.ping())
    except (redis.RedisError, OSError):
        return False


def _as_redis_names_it(url: str) -> str:
    """Celery has its own words for a unix socket."""
    if not url.startswith("redis+socket://"):
        return url
    return url.replace("redis+socket://", "unix://", 1).replace("virtual_host=", "db=")
