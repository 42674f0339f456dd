"""The benchmarks run; what they measure is theirs to say (`make bench`)."""

import pytest

from tests.benchmarks import engine, recompute
from tests.benchmarks.side_by_side import Figure, ratios


def test_the_engine_is_compared_with_the_additions_it_needs():
    (figure,) = engine.figures(rounds=2, times=1)
    assert len(figure.ratios) == 2
    assert figure.median > 0


def test_every_course_is_written_in_batches_and_one_by_one(db):
    recompute.fill("few", 12)
    assert recompute.in_batches("few") > 0
    assert recompute.row_by_row("few", 3) > 0


@pytest.mark.parametrize(
    ("ratio", "limits", "reached"),
    [
        (3.0, {"at_most": 3}, True),
        (3.1, {"at_most": 3}, False),
        (20.0, {"at_least": 20}, True),
        (19.9, {"at_least": 20}, False),
    ],
)
def test_a_figure_that_must_be_reached_says_so(ratio, limits, reached):
    figure = Figure("a / b", (ratio,), **limits)
    assert figure.reached is reached
    assert str(figure).endswith("ok" if reached else "MISSED")


def test_the_order_turns_from_round_to_round():
    asked = []
    ratios(lambda: asked.append("a") or 2.0, lambda: asked.append("b") or 1.0, rounds=2)
    assert asked == ["b", "a", "a", "b"]
