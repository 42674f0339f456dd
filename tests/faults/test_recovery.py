"""What is late is made up for: after a crash (E3) and after a whole day without a worker (E7)."""

import datetime as dt
import time

import pytest
from django.utils import timezone

from ocrevus_tracker.accounts.models import Membership
from reminders import outbox
from reminders.models import Reminder, State
from schedules.models import Course
from tests.cast import book, days, give, make_patient

from .conftest import scaled
from .people import add_people, noon_clinic
from .score import Score
from .stage import Stage

pytestmark = pytest.mark.django_db(transaction=True)

CRASHING = {"DJANGO_SETTINGS_MODULE": "tests.faults.crash_settings"}
PRODUCT = {
    "REMINDER_LEASE_SECONDS": "120",
    "REMINDER_GRACE_SECONDS": "900",
    "REMINDER_POLL_SECONDS": "30",
}


def recovery(scene: Stage, point: str, *, seconds: float) -> float:
    """From the crash until all have arrived, with one worker that lives."""
    assert scene.worker(CRASH_POINT=point).wait(60) == -9
    began = time.monotonic()
    scene.worker()
    scene.wait(scene.all_settled, f"recovery after a crash {point}", seconds=seconds)
    score = Score(scene.rows(), scene.mails())
    score.sound()
    assert score.extra == 0
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("times", "before_wire", "in_doubt"),
    [
        ({}, 2 + 1 + 3, 3 + 1 + 3),
        pytest.param(PRODUCT, 150, 960, marks=pytest.mark.long),
    ],
    ids=["short times", "the product's times"],
)
@pytest.mark.parametrize("point", ["after claim", "after fence"])
def test_recovery_in_time(*, stage, figure, times, before_wire, in_doubt, point):
    """E3. In the long form the wait of GRACE is moved forward by ten minutes."""
    scene = stage(5, **CRASHING, **times)
    allowed = before_wire if point == "after claim" else in_doubt
    seconds = recovery(scene, point, seconds=allowed + 20)
    figure(f"E3 {point}", f"{seconds:.0f} s, at most {allowed}")
    assert seconds <= allowed


# -- E7, F24 -----------------------------------------------------------------

AWAY = dt.timedelta(hours=26)


def plan_the_day_before(count: int) -> dict[str, set[str]]:
    """What was planned and due 26 hours ago, and what became of it since; addresses by fate."""
    now = timezone.now()
    before = now - AWAY
    clinic = noon_clinic()
    rosa = Membership.objects.get(clinic=clinic).user
    today = clinic.local_date(now)
    add_people(clinic, "p", count, due_in=60)
    visited = make_patient(clinic, rosa, "Vera", now=before - days(400)).course
    give(visited, rosa, today - days(183))
    book(visited, rosa, today, hour=8, now=before - days(3))
    outbox.plan(now=before)
    done = Course.objects.filter(
        patient__email__in=[f"p{n}@example.org" for n in range(count // 5)]
    )
    for course in done:
        give(course, rosa, clinic.local_date(before), now=before + dt.timedelta(hours=1))
    return {
        "done": set(done.values_list("patient__email", flat=True)),
        "too late": {visited.patient.email},
        "useful": {f"p{n}@example.org" for n in range(count // 5, count)},
    }


@pytest.mark.parametrize(
    "count", [40, pytest.param(scaled(5_000), marks=pytest.mark.long)], ids=["short", "long"]
)
def test_a_whole_day_without_a_worker(stages, figure, count):
    fates = plan_the_day_before(count)
    assert Reminder.objects.filter(kind="day-before", state=State.PLANNED).count() == 1
    scene = stages()
    scene.worker()
    began = time.monotonic()
    scene.wait(lambda: scene.accepted() >= len(fates["useful"]), "the useful ones", seconds=300)
    seconds = time.monotonic() - began
    scene.wait(lambda: scene.all_settled("EXPIRED", "CANCELLED", "PLANNED"), "all are settled")
    got = {one for mail in scene.mails() for one in mail.to}
    asked = {
        row.email for row in scene.rows() if row.kind.startswith("book") and row.state == "ACCEPTED"
    }
    figure(
        "E7",
        f"{len(fates['useful']):,} useful ones {seconds:.1f} s after the start, {scene.states()}",
    )
    assert fates["useful"] <= got
    assert not asked & fates["done"]
    assert not got & fates["too late"]
    late = {row.email for row in scene.rows() if row.state == "EXPIRED"}
    assert late == fates["too late"]
    assert scene.audit() == 0
