"""`python -m tests.mutants PART…`: takes guards out one by one; does a test notice?

mutmut changes one thing at a time (a `<` to a `<=`, a constant, a call) in a part of the code and
runs those of the part's tests that reach it. This runs it on a copy of the tracked files, so the
tree stays as it is, and ends with 1 when fewer than `MUST` per cent of the changes are noticed.
Each survivor is printed with its change: either a test is missing, or the change makes no
difference (another word in a message for developers, `a <= b` where `a == b` cannot be).

The parts are those of `PARTS`; all of them where none is named. `--sample 200` takes so many
changes by chance, the same ones again with the same `--seed`. `--only '*sweep*'` takes those whose
names match.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.utils.format_utils import get_mutant_name

from tests.services import broker

ROOT = Path(__file__).resolve().parent.parent
MUTMUT = [str(Path(sys.executable).parent / "mutmut")]
MUST = 90


@dataclass(frozen=True)
class Part:
    code: tuple[str, ...]  # globs
    tests: tuple[str, ...]
    but: tuple[str, ...] = ()  # not these of the code


def _of_the_reminders(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/reminders/test_{name}.py" for name in names)


SENDING = tuple(f"reminders/outbox/{name}.py" for name in ("delivery", "rows", "sweeping"))
PARTS = {
    "engine": Part(("schedules/engine/*.py",), ("tests/engine",)),
    "rules": Part(
        ("reminders/rules.py", "reminders/policy_rules.py"),
        _of_the_reminders("rules", "policy_rules"),
    ),
    "transport": Part(("reminders/transport.py",), _of_the_reminders("transport")),
    "journal": Part(("reminders/journal.py",), _of_the_reminders("journal")),
    "sending": Part(SENDING, _of_the_reminders("delivery", "evidence", "groups", "one_a_day")),
    "planning": Part(
        ("reminders/outbox/*.py",),
        _of_the_reminders(
            *("consent", "copies", "corrections", "digests", "planning", "policies", "tick"),
            *("stopping", "visit_news"),
        ),
        but=SENDING,
    ),
}


def main(arguments: list[str]) -> int:
    asked = _parser().parse_args(arguments)
    scores = {name: _measure(name, asked) for name in asked.parts or PARTS}
    for name, score in scores.items():
        print(f"{name}: {score:.1f} %, must be {MUST} %.")
    return int(min(scores.values()) < MUST)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--sample", type=int, metavar="N", help="so many by chance, of each part")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--only", default="*", metavar="GLOB", help="those whose names match")
    parser.add_argument("--max-children", type=int, default=os.cpu_count(), metavar="N")
    return parser


def _measure(name: str, asked: argparse.Namespace) -> float:
    """Per cent of the changes in a part that its tests notice."""
    part = PARTS[name]
    names = _changes(part, asked)
    with _copy_of_the_tree(part) as place, _surroundings(place) as around:
        run = ["run", "--max-children", str(asked.max_children), *names]
        subprocess.run([*MUTMUT, *run], cwd=place, env=around, check=True)
        survivors = _survivors(place)
        for survivor in survivors:
            subprocess.run([*MUTMUT, "show", survivor], cwd=place, check=True)
        noticed, all_of_them = _score(place)
    print(f"\n{name}: {noticed} of {all_of_them} changes were noticed.")
    print(*survivors, sep="\n")
    return 100 * noticed / all_of_them


def _changes(part: Part, asked: argparse.Namespace) -> list[str]:
    """The names of the changes that were asked for."""
    paths = {path.relative_to(ROOT) for glob in part.code for path in ROOT.glob(glob)}
    found = [
        get_mutant_name(path, change)
        for path in sorted(paths - {Path(name) for name in part.but})
        for change in mutate_file_contents(str(path), (ROOT / path).read_text()).mutant_names
    ]
    found = [one for one in found if fnmatch(one, asked.only)]
    if asked.sample is None or asked.sample >= len(found):
        return found
    print(f"{asked.sample} of {len(found)} changes, with --seed {asked.seed}", flush=True)
    return random.Random(asked.seed).sample(found, asked.sample)


@contextmanager
def _copy_of_the_tree(part: Part) -> Iterator[Path]:
    """The tracked files in a folder of their own, with what mutmut has to know of the part."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        place = Path(folder)
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True
        )
        for name in filter(None, listed.stdout.decode().split("\0")):
            target = place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
        _tell_mutmut(part, place / "pyproject.toml")
        yield place


def _tell_mutmut(part: Part, config: Path) -> None:
    lists = {
        "only_mutate": part.code,
        "do_not_mutate": part.but,
        "pytest_add_cli_args_test_selection": part.tests,
    }
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in lists.items())
    config.write_text(config.read_text().replace("[tool.mutmut]\n", f"[tool.mutmut]\n{lines}"))


@contextmanager
def _surroundings(place: Path) -> Iterator[dict[str, str]]:
    """The environment for mutmut, with a broker and a database that is made once for all."""
    made = place / "made.sqlite3"
    with broker() as queue:
        around = os.environ | {"REDIS_URL": queue.url, "DATABASE_URL": f"sqlite:///{made}"}
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=place, env=around, check=True)
        yield around | {
            "PYTEST_PLUGINS": "tests.prepared",
            "PREPARED_DATABASE": str(made),
        }


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
