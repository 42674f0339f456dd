"""E2: a worker dies at each named place, again and again, and nothing is lost.

A second copy is possible at two places alone: the mail server has taken the dot, and the receipt
is not on disk.
"""

import random

import pytest

from .crash_points import ON_THE_LINE, POINTS
from .score import Score
from .stage import Stage

pytestmark = pytest.mark.django_db(transaction=True)

MAY_REPEAT = ("after dot", "before receipt")
CRASHING = {
    "DJANGO_SETTINGS_MODULE": "tests.faults.crash_settings",
    "REMINDER_LEASE_SECONDS": "1",
    "REMINDER_GRACE_SECONDS": "2",
    "REMINDER_POLL_SECONDS": "0",
    # What a dead worker held is not to be had until its lease is over: let it be little.
    "REMINDER_CONNECTIONS": "2",
    "REMINDER_GROUP": "5",
}
SENDING = [name for name in (*POINTS, *ON_THE_LINE) if name != "during plan"]
# These are called for a group of mails, the others for each mail.
FOR_A_GROUP = ("claim", "connect", "fence", "settle")


def crash(scene: Stage, point: str, *, times: int, dice: random.Random) -> None:
    for _one in range(times):
        call = dice.randint(1, 2 if point.endswith(FOR_A_GROUP) else 4)
        worker = scene.worker(CRASH_POINT=point, CRASH_CALL=str(call))
        assert worker.wait(60) == -9, "it did not come by the place"


def test_two_crashes_at_each_place_in_one_drain(stage, dice, figure):
    scene = stage(300, **CRASHING)
    for point in SENDING:
        crash(scene, point, times=2, dice=dice)
    extra = settled(scene, figure, "E2 every place", 2 * len(SENDING))
    assert extra <= 2 * len(MAY_REPEAT)


@pytest.mark.long
@pytest.mark.parametrize("point", SENDING)
def test_a_hundred_crashes_at_one_place(stage, dice, figure, point):
    times = 100
    scene = stage(20 + 12 * times, **CRASHING)
    crash(scene, point, times=times, dice=dice)
    extra = settled(scene, figure, f"E2 {point}", times)
    assert extra <= (times if point in MAY_REPEAT else 0)


def settled(scene: Stage, figure, name: str, crashes: int) -> int:
    """How many copies there were, once a worker that lives has done the rest.

    A row whose worker died on it twice, with the content on its way, is a person's to decide.
    """
    scene.worker()
    scene.wait(lambda: scene.all_settled("FAILED"), "all are settled")
    score = Score(scene.rows(), scene.mails())
    figure(name, f"{crashes} crashes, {score}")
    score.sound()
    assert {row.doubt for row in score.undecided} <= {2}
    return score.extra


@pytest.mark.parametrize(
    "times", [2, pytest.param(100, marks=pytest.mark.long)], ids=["twice", "a hundred times"]
)
def test_a_crash_while_planning_is_made_up_for_by_the_next_pass(stage, dice, figure, times):
    scene = stage(50, **CRASHING)
    for _one in range(times):
        # As if nothing had been planned, nor looked at: a review is called for.
        scene.change("DELETE FROM reminders_reminder")
        scene.change("DELETE FROM reminders_heartbeat")
        worker = scene.worker(CRASH_POINT="during plan")
        assert worker.wait(60) == -9
    scene.worker()
    scene.wait(lambda: scene.states() == {"ACCEPTED": 50}, "all are planned and sent")
    score = Score(scene.rows(), scene.mails())
    figure("E2 during plan", f"{times} crashes, {score}")
    score.sound()
    assert score.extra == 0
