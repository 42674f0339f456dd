"""`manage.py add_clinic`: a clinic, and the one person who lets all others in."""

import getpass
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ocrevus_tracker.accounts.models import Clinic
from schedules import actions

FIELDS = {
    "name": "as patients know it",
    "slug": "a short name for addresses, such as hill-clinic",
    "time-zone": "such as America/New_York",
    "phone": "what patients call",
    "hours": "when somebody answers, such as “weekdays 8 to 5”",
    "address": "where visits take place",
}


class Command(BaseCommand):
    help = (
        "Add a clinic and its first admin, who signs in with the password asked for here (or in "
        "ADMIN_PASSWORD), sets up a second step, and invites everybody else under People."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name, words in FIELDS.items():
            parser.add_argument(f"--{name}", required=True, help=words)
        parser.add_argument("--admin", required=True, metavar="EMAIL", help="the first admin")
        parser.add_argument("--admin-name", required=True, metavar="NAME")

    def handle(self, *, admin: str, admin_name: str, **options: Any) -> None:
        """Add both, or neither.

        Raises:
            CommandError: something cannot be right; it says what.
        """
        clinic = Clinic(**{name: options[name] for name in _columns()})
        try:
            password = _password()
            validate_password(password)
            made = actions.open_clinic(
                clinic=clinic, email=admin, name=admin_name, password=password, now=timezone.now()
            )
        except ValidationError as error:
            raise CommandError("\n".join(_in_words(error))) from error
        self.stdout.write(
            f"{made.clinic.name} is open. {made.user.email} signs in at /sign-in/staff/."
        )


def _columns() -> list[str]:
    return [name.replace("-", "_") for name in FIELDS]


def _password() -> str:
    """From the environment for scripts; asked for twice where somebody sits there."""
    if given := os.environ.get("ADMIN_PASSWORD"):
        return given
    if not sys.stdin.isatty():
        raise CommandError("Nobody is there to type a password. Put one into ADMIN_PASSWORD.")
    password = getpass.getpass("The admin's password: ")
    if password != getpass.getpass("The same again: "):
        raise CommandError("The two passwords differ. Nothing was saved; start again.")
    return password


def _in_words(error: ValidationError) -> list[str]:
    if not hasattr(error, "error_dict"):
        return error.messages
    return [
        f"--{name.replace('_', '-')}: {words}"
        for name, several in error.message_dict.items()
        for words in several
    ]
