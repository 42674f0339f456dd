"""`manage.py list_urls`: every address, its methods, and who may use it."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ocrevus_tracker.addresses import Address, addresses


class Command(BaseCommand):
    help = (
        "List every address with its name, its methods and who may use it: a role at a clinic; "
        "“signed-in” for people who see what is theirs; “link” and “service” for whoever proves "
        "themselves with each request; “anyone”."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON array")

    def handle(self, *, json: bool, **_options: Any) -> None:
        found = list(addresses())
        self.stdout.write(_as_json(found) if json else _as_lines(found))


def _as_json(found: list[Address]) -> str:
    return json.dumps(
        [{"url": f"/{one.route}", "name": one.name, "methods": _methods(one)} for one in found],
        indent=1,
    )


def _as_lines(found: list[Address]) -> str:
    return "\n".join(
        f"{method:<5} /{one.route}  {', '.join(who)}"
        for one in found
        for method, who in _methods(one).items()
    )


def _methods(one: Address) -> dict[str, list[str]]:
    access = one.access
    return {method: access.who(method) for method in access.methods} if access else {}
