"""`python -m tests.benchmarks`: figures as ratios, measured side by side. See `make bench`.

Ends with 1 when a figure that must be reached is missed. Nothing here looks at absolute times.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.services import CannotHaveError, postgresql

from . import engine

ROOT = Path(__file__).resolve().parent.parent.parent
# Django is set up for one database and once in a process.
ON_ITS_OWN = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "ocrevus_tracker.settings"
django.setup()
from tests.benchmarks import recompute
sys.exit(recompute.main())
"""


def main() -> int:
    print("Engine", flush=True)
    found = engine.figures(rounds=9, times=200)
    print(*found, sep="\n", flush=True)
    missed = [not one.reached for one in found]
    with tempfile.TemporaryDirectory() as folder:
        print("\nStored dates, SQLite", flush=True)
        missed.append(_recompute(f"sqlite:///{folder}/bench.sqlite3"))
    try:
        with postgresql() as server:
            print(f"\nStored dates, {server.name}", flush=True)
            missed.append(_recompute(server.url))
    except CannotHaveError as error:
        print(error)
        missed.append(True)
    print("\nA figure was missed." if any(missed) else "\nEvery figure was reached.")
    return int(any(missed))


def _recompute(url: str) -> bool:
    """Whether a figure was missed on the database `url`, which is empty."""
    environment = os.environ | {"DATABASE_URL": url, "LOG_LEVEL": "WARNING"}
    done = subprocess.run(
        [sys.executable, "-c", ON_ITS_OWN], cwd=ROOT, env=environment, check=False
    )
    return done.returncode != 0


if __name__ == "__main__":
    sys.exit(main())
