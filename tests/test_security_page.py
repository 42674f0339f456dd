"""SECURITY.md answers each requirement of ASVS 5.0, and every test that it names is there."""

import re

import pytest

from tests.__main__ import ROOT

PAGE = (ROOT / "SECURITY.md").read_text()
# The highest number of levels 1 and 2 in each section of ASVS 5.0.0, where they begin with 1.
LAST = """
    1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 4.1:3
    4.2:1 4.3:2 4.4:4 5.1:1 5.2:3 5.3:2 5.4:3 6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4 7.1:3
    7.2:4 7.3:2 7.4:5 7.5:2 7.6:2 8.1:2 8.2:3 8.3:1 8.4:1 9.1:3 9.2:4 10.1:2 10.2:2 10.3:4
    10.4:11 10.5:5 10.6:2 10.7:3 11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1 12.1:3 12.2:2
    12.3:4 13.1:1 13.2:5 13.3:2 13.4:5 14.1:2 14.2:4 14.3:3 15.1:3 15.2:3 15.3:7 16.1:1 16.2:5
    16.3:4 16.4:3 16.5:3 17.1:1 17.2:4 17.3:2
"""
ASKED = [
    tuple(int(part) for part in f"{section}.{number}".split("."))
    for section, _colon, last in (one.partition(":") for one in LAST.split())
    for number in range(1, int(last) + 1)
]
HOWS = {"test", "written", "none", "deployment", "deviation"}
ROWS = re.findall(r"^\| ([\d.]+(?:-[\d.]+)?) \| (.+?) \| (\w+) \| (.+) \|$", PAGE, re.MULTILINE)
NAMED = re.findall(r"(tests/[\w/]+\.py)::(\w+)", PAGE)


def span(words: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    first, _dash, last = words.partition("-")
    numbers = [tuple(int(part) for part in one.split(".")) for one in (first, last or first)]
    return numbers[0], numbers[1]


def test_each_requirement_is_answered_once():
    for one in ASKED:
        answers = [row for row in ROWS if span(row[0])[0] <= one <= span(row[0])[1]]
        assert len(answers) == 1, one


def test_no_answer_is_to_a_requirement_that_nobody_asks():
    ends = {end for row in ROWS for end in span(row[0])}
    assert ends <= set(ASKED)


def test_each_answer_says_how():
    assert {row[2] for row in ROWS} == HOWS
    assert [row[0] for row in ROWS if row[2] == "test" and "tests/" not in row[3]] == []


@pytest.mark.parametrize(("path", "name"), sorted(set(NAMED)))
def test_every_test_that_is_named_is_there(path, name):
    assert f"def {name}(" in (ROOT / path).read_text()


def test_files_that_are_named_are_there():
    for path in re.findall(r"(?:tests|ocrevus_tracker|schedules|templates)/[\w/]+(?:\.\w+)?", PAGE):
        assert (ROOT / path).exists(), path
