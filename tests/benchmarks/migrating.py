"""The empty tables of whatever settings this process has."""

from functools import partial

from django.core.management import call_command

from .hands import serve


def main() -> None:
    # run_syncdb: the peers' own tables have no migrations.
    serve(migrate=partial(call_command, "migrate", run_syncdb=True, verbosity=0))
