"""The benchmarks run; what they measure is theirs to say (`make bench`)."""

import os
import smtplib
import time

import pytest

from tests.benchmarks import engine, kills, planning, recompute, sending
from tests.benchmarks.hands import Hand
from tests.benchmarks.servers import SqliteFiles, cpu_seconds
from tests.benchmarks.side_by_side import Figure, ratios
from tests.benchmarks.stage import Stage


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


def test_an_aim_fails_nothing():
    figure = Figure("a / b", (0.3,), at_least=0.25, aim=0.5)
    assert figure.reached
    assert not figure.aim_reached
    assert "aim 0.5 not yet" in str(figure)
    assert Figure("b / a", (2.9,), at_most=9, aim=3).aim_reached


def test_a_figure_may_hold_for_each_round():
    lost = (0, 0, 1)
    assert Figure("lost", lost, at_most=0).reached
    assert not Figure("lost", lost, at_most=0, of_all=True).reached


@pytest.fixture(scope="module")
def databases(tmp_path_factory):
    return SqliteFiles(tmp_path_factory.mktemp("databases"))


@pytest.fixture
def sink():
    with Hand("sink") as sink:
        yield sink


def test_the_mail_server_counts_what_it_takes_and_pipelines(sink):
    with smtplib.SMTP("127.0.0.1", sink.ask("port")) as smtp:
        smtp.ehlo()
        assert smtp.has_extn("pipelining")
        smtp.send(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n")
        assert [smtp.getreply()[0] for _ in range(3)] == [250, 250, 354]
        # The end of one mail comes in two parts, the second with the next mail's first command.
        smtp.send(b"Subject: x\r\nMessage-ID: <1@b.test>\r\n\r\nText\r\n")
        smtp.send(b".\r\nMAIL FROM:<a@b.test>\r\n")
        assert [smtp.getreply()[0] for _ in range(2)] == [250, 250]
    assert sink.ask("ids") == ["<1@b.test>"]
    mails, size, connections = sink.ask("taken")
    assert (mails, connections) == (1, 1)
    assert size == len(b"Subject: x\r\nMessage-ID: <1@b.test>\r\n\r\nText")


def test_late_replies_do_not_wait_for_one_another():
    with (
        Hand("sink", BENCH_DELAY="0.2") as sink,
        smtplib.SMTP("127.0.0.1", sink.ask("port")) as smtp,
    ):
        began = time.perf_counter()
        smtp.send(b"NOOP\r\n" * 5)
        assert [smtp.getreply()[0] for _ in range(5)] == [250] * 5
        took = time.perf_counter() - began
    assert 0.2 <= took < 0.8


def test_cpu_of_a_process_and_its_children(sink):
    sink.ask("port")  # by now it has done something
    own = cpu_seconds([sink.process.pid])
    assert 0 < own < cpu_seconds([os.getpid()])


def test_senders_take_turns_and_their_figures_follow(databases, tmp_path, sink):
    stage = Stage(databases, tmp_path, sink, scale=0.001)
    variants = (sending.FLOOR, sending.ONE, sending.POST_OFFICE)
    rounds = sending.measure(stage, variants, rounds=1)
    assert len(list(sending.table(rounds, sending.FLOOR))) == 1 + len(variants)
    assert [one.name[0] for one in sending.figures(rounds)] == ["1", "2", "3"]
    assert rounds[0][sending.FLOOR].size == pytest.approx(rounds[0][sending.ONE].size, rel=0.05)

    killed = kills.kill(databases, tmp_path, journal=True, scale=0.001)
    assert (killed.lost, killed.twice_with_receipt) == (0, 0)


def test_planning_is_timed_step_by_step(databases):
    sizes = (40,)
    rounds = planning.measure(databases, sizes, rounds=1)
    assert len(list(planning.table(rounds, sizes))) == 1 + len(planning.STEPS)
    assert [one.name[0] for one in planning.figures(rounds, sizes)] == ["6", "6", "7", "7", "7"]


def test_the_order_turns_from_round_to_round():
    asked = []
    ratios(lambda: asked.append("a") or 2.0, lambda: asked.append("b") or 1.0, rounds=2)
    assert asked == ["b", "a", "a", "b"]
