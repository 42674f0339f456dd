"""Every worked case: a course as a clinic would send it, and the answer it must get."""

import json
from pathlib import Path

import pytest

from schedules import wire
from tests.engine import oracle

LINES = (Path(__file__).parent / "cases.jsonl").read_text(encoding="utf-8").splitlines()
CASES = [json.loads(line) for line in LINES]
BY_ID = pytest.mark.parametrize("case", CASES, ids=[f"{c['id']}-{c['note']}" for c in CASES])


@BY_ID
def test_the_engine_gives_the_worked_answer(case):
    found = wire.answer(json.dumps(case).encode())
    del found["id"], found["reasons"]
    assert found == case["expected"]


@BY_ID
def test_the_oracle_gives_the_worked_answer(case):
    assert oracle.wire(oracle.judge(case)) == case["expected"]


def test_every_case_has_its_own_id():
    assert len({case["id"] for case in CASES}) == len(CASES)
