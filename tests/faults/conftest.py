"""A stage for each test, dice whose seed is known, and figures that are always shown."""

import os
import random

import pytest
from django.db import connection

from .people import plan_reminders
from .stage import Crew, Stage


def scaled(number: int) -> int:
    """A number of a long run, times FAULTS_SCALE: for a first look at a slow machine."""
    return max(1, int(number * float(os.environ.get("FAULTS_SCALE", "1"))))


@pytest.fixture
def seed() -> int:
    """Of FAULTS_SEED, to see again what was seen."""
    return int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))


@pytest.fixture
def dice(seed) -> random.Random:
    return random.Random(seed)


@pytest.fixture
def figure(capsys, seed):
    """Prints one line: the figure, where, and with which seed."""

    def show(name: str, words: object) -> None:
        with capsys.disabled():
            print(f"\n{name} ({connection.vendor}, seed {seed}): {words}", end="", flush=True)

    return show


@pytest.fixture(scope="session")
def crew(tmp_path_factory):
    made = Crew(tmp_path_factory.mktemp("crew"))
    yield made
    made.close()


@pytest.fixture
def stages(crew, tmp_path):
    """Makes stages for what the test has planned; ends every process afterwards."""
    made: list[Stage] = []

    def make(*, manners: dict[str, object] | None = None, **environment: str) -> Stage:
        folder = tmp_path / f"stage-{len(made)}"
        folder.mkdir()
        made.append(Stage(crew, folder, **environment))
        crew.sink(**(manners or {}))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def stage(stages):
    """A stage with so many reminders that are ready, each for a person of its own."""

    def make(count: int, **options) -> Stage:
        plan_reminders(count)
        return stages(**options)

    return make
