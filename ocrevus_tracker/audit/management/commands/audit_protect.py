"""`manage.py audit_protect`: the database's own guards of the audit trail."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from ocrevus_tracker.audit import guards


class Command(BaseCommand):
    help = (
        "Put up the triggers that are missing. With --role: print what makes a PostgreSQL role, "
        "which does not own the tables, one that can add to the trail and no more."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--role", help="the role that the application signs in with")
        parser.add_argument("--apply", action="store_true", help="run it instead of printing it")

    def handle(self, *, role: str | None, apply: bool, **_options: Any) -> None:
        with transaction.atomic():
            for name in guards.install(connection):
                self.stdout.write(f"-- put up: {name}")
        if role is None:
            return
        if apply and connection.vendor != "postgresql":
            raise CommandError("SQLite has no roles: who may write the file may do anything.")
        with transaction.atomic(), connection.cursor() as cursor:
            for sql in guards.grants(role):
                if apply:
                    cursor.execute(sql)
                self.stdout.write(f"{sql};")
