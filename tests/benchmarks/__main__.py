"""`python -m tests.benchmarks [PART …]`: figures as ratios, measured side by side (`make bench`).

Ends with 1 when a figure that must be reached is missed. Nothing here looks at absolute times.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.services import CannotHaveError, postgresql

from . import engine, planning, sending

ROOT = Path(__file__).resolve().parent.parent.parent
# Django is set up for one database and once in a process.
ON_ITS_OWN = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "ocrevus_tracker.settings"
django.setup()
from tests.benchmarks import recompute
sys.exit(recompute.main())
"""


def main(arguments: list[str]) -> int:
    given = _parse(arguments)
    if given.profile:
        sending.profile(scale=given.scale)
        return 0
    missed = []
    for part in given.parts or PARTS:
        try:
            missed.append(PARTS[part](given))
        except CannotHaveError as error:
            print(error)
            missed.append(True)
    print("\nA figure was missed." if any(missed) else "\nEvery figure was reached.")
    return int(any(missed))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1, help="of the mails in a round")
    parser.add_argument("--sizes", type=int, nargs="+", default=planning.SIZES, help="of planning")
    parser.add_argument("--profile", action="store_true", help="where the CPU of sending goes")
    given = parser.parse_args(arguments)
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"there is no {', '.join(unknown)}")
    return given


def _engine(_given: argparse.Namespace) -> bool:
    print("Engine", flush=True)
    found = engine.figures(rounds=9, times=200)
    print(*found, sep="\n", flush=True)
    return not all(one.reached for one in found)


def _recompute(_given: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        print("\nStored dates, SQLite", flush=True)
        missed = _recomputed(f"sqlite:///{folder}/bench.sqlite3")
    with postgresql() as server:
        print(f"\nStored dates, {server.name}", flush=True)
        return _recomputed(server.url) or missed


def _recomputed(url: str) -> bool:
    """Whether a figure was missed on the database `url`, which is empty."""
    environment = os.environ | {"DATABASE_URL": url, "LOG_LEVEL": "WARNING"}
    done = subprocess.run(
        [sys.executable, "-c", ON_ITS_OWN], cwd=ROOT, env=environment, check=False
    )
    return done.returncode != 0


PARTS = {
    "engine": _engine,
    "recompute": _recompute,
    "planning": lambda given: planning.main(sizes=given.sizes, rounds=given.rounds),
    "sending": lambda given: sending.main(rounds=given.rounds, scale=given.scale),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
