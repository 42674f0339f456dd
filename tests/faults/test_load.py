"""F29: very many at once; and a disk that has no room for receipts."""

import subprocess
import time
from pathlib import Path

import pytest

from .conftest import scaled
from .score import Score
from .stage import Worker

pytestmark = pytest.mark.django_db(transaction=True)

MOST_MEMORY_MB = 400


def peak_mb(worker: Worker) -> float:
    """The most memory that the process has held."""
    status = Path(f"/proc/{worker.pid}/status").read_text()
    line = next(one for one in status.splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


@pytest.mark.parametrize(
    "count", [500, pytest.param(scaled(50_000), marks=pytest.mark.long)], ids=["short", "long"]
)
def test_very_many_due_at_once(stage, figure, count):
    scene = stage(count)
    worker = scene.worker()
    began = time.monotonic()
    scene.wait(scene.all_settled, "all are settled", seconds=900)
    seconds = time.monotonic() - began
    score = Score(scene.rows(), scene.mails())
    figure(
        "F29",
        f"{score}, {count / seconds:,.0f} a second, {peak_mb(worker):.0f} MB at most",
    )
    score.sound()
    assert score.extra == score.doubts == 0
    assert peak_mb(worker) < MOST_MEMORY_MB


@pytest.fixture
def full_disk(tmp_path):
    """A volume of 64 kB; where nobody may mount one, a device that is always full."""
    place = tmp_path / "volume"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "receipts", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small volume takes root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_under_the_journal_loses_and_repeats_nothing(stage, full_disk, figure):
    """No receipt can be written: mails wait rather than go without one, or go and say so."""
    ballast = full_disk / "ballast"
    ballast.write_bytes(b"x" * 60 * 1024)
    scene = stage(120, REMINDER_JOURNAL=str(full_disk / "journal"))
    scene.worker()
    time.sleep(4)
    full = scene.accepted()
    ballast.unlink()
    scene.wait(scene.all_settled, "all are settled")
    score = Score(scene.rows(), scene.mails())
    figure("journal on a full disk", f"{full} before there was room, {score}")
    score.sound()
    assert score.extra == 0
