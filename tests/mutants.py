"""`python -m tests.mutants`: takes guards out of the rules one by one; does a test notice?

mutmut changes one thing at a time in the engine and in the reminders' rules (a `<` to a `<=`, a
constant, a call) and runs those of their tests that reach it. This runs it on a copy of the
tracked files, so the tree stays as it is, and ends with 1 when fewer than `MUST` per cent of the
changes are noticed. Each survivor is printed with its change: either a test is missing, or the
change makes no difference (another word in a message for developers, `a <= b` where `a == b`
cannot be).
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MUTMUT = [str(Path(sys.executable).parent / "mutmut")]
MUST = 90


def main(patterns: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        place = Path(folder)
        _copy_tracked_files(place)
        subprocess.run([*MUTMUT, "run", *patterns], cwd=place, check=True)
        survivors = _survivors(place)
        for name in survivors:
            subprocess.run([*MUTMUT, "show", name], cwd=place, check=True)
        noticed, all_of_them = _score(place)
    score = 100 * noticed / all_of_them
    print(f"\n{noticed} of {all_of_them} changes were noticed: {score:.1f} %, must be {MUST} %.")
    print(*survivors, sep="\n")
    return int(score < MUST)


def _copy_tracked_files(place: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())


def _survivors(place: Path) -> list[str]:
    said = subprocess.run(
        [*MUTMUT, "results"], cwd=place, check=True, capture_output=True, text=True
    )
    lines = (line.strip().rpartition(": ") for line in said.stdout.splitlines())
    return [name for name, _colon, verdict in lines if verdict in {"survived", "no tests"}]


def _score(place: Path) -> tuple[int, int]:
    """How many changes a test noticed, an endless loop included, and how many there were."""
    subprocess.run([*MUTMUT, "export-cicd-stats"], cwd=place, check=True, capture_output=True)
    stats = json.loads((place / "mutants" / "mutmut-cicd-stats.json").read_text())
    noticed = stats["killed"] + stats["timeout"]
    return noticed, noticed + stats["survived"] + stats["no_tests"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
