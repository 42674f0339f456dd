"""Secrets: where they come from, and which are none."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

SHORTEST = 22  # characters; 128 bits in base64
SHORTEST_SIGNING_KEY = 50  # what Django's own check asks for
FEWEST_CHARACTERS = 5  # different ones
MAKE_ONE = "`python3 -c 'import secrets; print(secrets.token_urlsafe(50))'`"


def signing_key(given: str, *, made_up_in: Path | None) -> str:
    """The key that sessions, links and codes are signed with: `given`, or (debugging only) one
    made on the first start and kept in `made_up_in`.

    Raises:
        ImproperlyConfigured: there is none, or anybody could guess it.
    """
    if given and made_up_in is None:
        return _hard_to_guess("SECRET_KEY", given, SHORTEST_SIGNING_KEY)
    if given:
        return given
    if made_up_in is None:
        raise ImproperlyConfigured(
            f"SECRET_KEY is not set. Make one with {MAKE_ONE} and keep it secret."
        )
    try:
        descriptor = os.open(made_up_in, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return made_up_in.read_text()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(50))
    return made_up_in.read_text()


def shared_secret(name: str, value: str, *, debug: bool) -> str:
    """`value` of the setting `name`, which another program knows too; empty is fine.

    Raises:
        ImproperlyConfigured: it is set, so short that it can be guessed, and not for debugging.
    """
    return value if debug or not value else _hard_to_guess(name, value, SHORTEST)


def _hard_to_guess(name: str, value: str, shortest: int) -> str:
    known = value.startswith("django-insecure-") or len(set(value)) < FEWEST_CHARACTERS
    if known or len(value) < shortest:
        raise ImproperlyConfigured(
            f"{name} can be guessed: it needs {shortest} characters or more, made by chance. "
            f"Make one with {MAKE_ONE}."
        )
    return value
