"""The engine beside the oracle, over made-up courses: two readings of the rules, one answer.

make test                                     2,000 courses, always the same
pytest tests/engine -m long -s                120,000 courses, new ones each time
ENGINE_SEED=7 pytest tests/engine -m long -s  the same again
"""

import json
import os
import random

import pytest

from schedules import wire
from tests.engine import made_up, oracle

SEED = int(os.environ.get("ENGINE_SEED", "20261122"))


def engine_says(case):
    found = wire.answer(json.dumps(case).encode())
    del found["id"]
    if "error" in found:
        return "refused"
    del found["reasons"]
    if found["state"] == "pending_clinician":
        found["flags"] = []  # what an undecided dose does to the others, nobody can say yet
    return found | {"flags": sorted(found["flags"])}


def oracle_says(case):
    try:
        return oracle.wire(oracle.judge(case))
    except oracle.Refused:
        return "refused"


def compare(make, count, seed):
    """Compare `count` courses from `make`; how many of them the rules decide."""
    print(f"{make.__name__}: {count} courses, ENGINE_SEED={seed}")
    rng, decided = random.Random(seed), 0
    for _ in range(count):
        case = make(rng)
        try:
            expected = oracle_says(case)
        except oracle.Unsaid:
            continue
        decided += 1
        assert engine_says(case) == expected, json.dumps(case)
    return decided


def test_ordinary_courses_are_answered_alike():
    assert compare(made_up.plain, 1200, SEED) == 1200


def test_courses_with_holds_transfers_and_restarts_are_answered_alike():
    assert compare(made_up.anything, 800, SEED) > 600


@pytest.mark.long
@pytest.mark.parametrize("make", [made_up.plain, made_up.anything])
def test_sixty_thousand_courses_are_answered_alike(make):
    seed = int(os.environ.get("ENGINE_SEED") or random.SystemRandom().randrange(10**9))
    assert compare(make, 60_000, seed) > 50_000


@pytest.mark.parametrize(
    ("day", "months", "due", "minimum"),
    [
        ("2026-08-31", 6, "2027-02-28", "2027-03-01"),
        ("2026-09-30", 5, "2027-02-28", "2027-03-01"),
        ("2026-03-10", 5, "2026-08-10", "2026-08-10"),
        ("2028-02-29", 12, "2029-02-28", "2029-03-01"),
    ],
)
def test_the_oracle_reads_the_calendar_as_the_rules_write_it(day, months, due, minimum):
    day = oracle.date.fromisoformat(day)
    found = oracle.due_add(day, months), oracle.min_add(day, months)
    assert [str(one) for one in found] == [due, minimum]
