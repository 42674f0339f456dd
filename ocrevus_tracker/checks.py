"""What is wrong with a configuration, said before it does harm."""

import re
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004
from django.db import connection

from .addresses import addresses

OLDEST_SQLITE = (3, 35)

# The service's name and sender stand in inboxes that others may see. A drug, an illness or a
# kind of treatment there tells what only the patient may tell.
TELLING = re.compile(
    r"\b(?:MS|(?i:ocrevus|ocrelizumab|briumvi|ublituximab|zunovo|(?:multiple\s+)?sclerosis|"
    r"neurolog\w*|infusions?))\b"
)


@register(Tags.security)
def outside_names_are_neutral(**_kwargs: Any) -> Iterable[CheckMessage]:  # noqa: ANN401
    """SITE_NAME and DEFAULT_FROM_EMAIL say nothing about health."""
    for name in ("SITE_NAME", "DEFAULT_FROM_EMAIL"):
        if found := TELLING.search(getattr(settings, name)):
            yield Error(
                f"{name} contains “{found[0]}”. Everyone who sees an inbox could read from it "
                "what a patient is treated for.",
                hint=f"Give {name} a neutral value, such as “Clinic Visits”.",
                id="tracker.E001",
            )


@register(Tags.compatibility)
def sqlite_is_new_enough(**_kwargs: Any) -> Iterable[CheckMessage]:  # noqa: ANN401
    """The outbox asks SQLite which rows it has changed; older ones cannot tell."""
    if connection.vendor == "sqlite" and sqlite3.sqlite_version_info < OLDEST_SQLITE:
        yield Error(
            f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is needed.",
            hint="Use a newer Python or system, or PostgreSQL: set DATABASE_URL.",
            id="tracker.E003",
        )


@register(Tags.security)
def every_address_says_whom_it_is_for(**_kwargs: Any) -> Iterable[CheckMessage]:  # noqa: ANN401
    """A view without a line above it that guards it is open to all, by mistake."""
    for one in addresses():
        if one.access is None:
            yield Error(
                f"Nothing says who may use /{one.route} (view “{one.name}”).",
                hint="Put a line from ocrevus_tracker.accounts.access above its view.",
                id="tracker.E004",
            )


@register(Tags.security)
def debug_stays_at_home(**_kwargs: Any) -> Iterable[CheckMessage]:  # noqa: ANN401
    """Debugging pages show patient data to whoever can reach them."""
    if settings.DEBUG and settings.ALLOWED_HOSTS:
        yield Error(
            "DEBUG is on and ALLOWED_HOSTS lets others in.",
            hint="Set DEBUG=False, or leave ALLOWED_HOSTS empty to serve this machine only.",
            id="tracker.E002",
        )


@register(Tags.security, deploy=True)
def deployment_is_real(**_kwargs: Any) -> Iterable[CheckMessage]:  # noqa: ANN401
    """What is right for a demo and wrong for a clinic."""
    if settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        yield Warning(
            "Mails are written to files and reach nobody.",
            hint="Set EMAIL_URL, for example smtp+tls://user:password@mail.example.org:587.",
            id="tracker.W001",
        )
    if settings.EMBEDDED_BROKER:
        yield Warning(
            "The embedded broker is made for one machine.",
            hint="Set REDIS_URL, for example redis://:password@redis.example.org:6379/0.",
            id="tracker.W002",
        )
    if not settings.SITE_URL.startswith("https://"):
        yield Warning(
            "Mails link to SITE_URL, which is not https.",
            hint="Set SITE_URL to the address that patients open, beginning with https://.",
            id="tracker.W003",
        )
    if not settings.DEPLOYMENT_ID:
        yield Warning(
            "DEPLOYMENT_ID is empty, so a copy of the database would send the same mails again.",
            hint="Give it any name that no copy has, such as the host name that you serve.",
            id="tracker.W004",
        )
    if _one_disk_for_both():
        yield Warning(
            "The receipt journal is on the disk of the database; losing one loses both.",
            hint="Set REMINDER_JOURNAL to a file on another disk.",
            id="tracker.W005",
        )


def _one_disk_for_both() -> bool:
    """Whether the database is a file on the disk of the journal, as far as both are there."""
    database = settings.DATABASES["default"]
    if database["ENGINE"] != "django.db.backends.sqlite3":
        return False
    folders = (Path(database["NAME"]).parent, Path(settings.REMINDER_JOURNAL).parent)
    return len({folder.stat().st_dev for folder in folders if folder.is_dir()}) == 1
