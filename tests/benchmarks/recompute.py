"""All stored dates computed anew by one command, against saving course by course."""

import datetime as dt
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

from django.core.management import call_command
from django.db import transaction

from ocrevus_tracker.accounts.models import Clinic, User
from schedules.actions.recomputing import recompute_courses
from schedules.actions.shared import locked
from schedules.models import Course, Infusion, Patient

from .side_by_side import Figure, ratios

ROOT = Path(__file__).resolve().parent.parent.parent
NOW = dt.datetime(2026, 3, 12, 15, tzinfo=dt.UTC)
TODAY = dt.date(2026, 3, 12)
MANY, FEW = 100_000, 10_000
AT_A_TIME = 5_000
WRONG = dt.date(2031, 1, 1)


def fill(slug: str, courses: int) -> None:
    """A clinic with so many made-up courses of about eight infusions each."""
    dice = random.Random(courses)
    clinic = Clinic.objects.create(name=slug, slug=slug, phone="1", hours="1", address="1")
    nurse, _ = User.objects.get_or_create(email="nurse@bench.test")
    for begun in range(0, courses, AT_A_TIME):
        numbers = range(begun, min(begun + AT_A_TIME, courses))
        patients = Patient.objects.bulk_create(
            Patient(
                clinic=clinic,
                record_number=str(number),
                given_name="Made",
                family_name="Up",
                date_of_birth=dt.date(1980, 1, 1),
                created_at=NOW,
            )
            for number in numbers
        )
        made = Course.objects.bulk_create(
            Course(patient=patient, regimen_version="2026-11") for patient in patients
        )
        Infusion.objects.bulk_create(
            Infusion(
                course=course,
                given_on=day,
                dose_mg=mg,
                recorded_by=nurse,
                recorded_at=NOW,
                recorded_on=TODAY,
            )
            for course in made
            for day, mg in _doses(dice)
        )


def _doses(dice: random.Random) -> list[tuple[dt.date, int]]:
    """A first dose in two parts and about six more, the last within half a year."""
    day = TODAY - dt.timedelta(days=dice.randint(0, 180) + 184 * dice.randint(4, 8))
    given = [(day, 300), (day + dt.timedelta(days=14), 300)]
    while (day := day + dt.timedelta(days=184)) <= TODAY:
        given.append((day, 600))
    return given


def row_by_row(slug: str, courses: int) -> float:
    """Seconds a course: each locked, computed and saved in a transaction of its own."""
    sample = list(Course.objects.filter(patient__clinic__slug=slug)[:courses])
    began = time.perf_counter()
    for course in sample:
        with transaction.atomic():
            locked(course).store_forecast(TODAY)
    return (time.perf_counter() - began) / len(sample)


def in_batches(slug: str) -> float:
    """Seconds a course, when the stored date of every one is wrong and has to be written."""
    courses = Course.objects.filter(patient__clinic__slug=slug)
    courses.filter(next_due_on__isnull=False).update(next_due_on=WRONG)
    clinic = Clinic.objects.get(slug=slug)
    began = time.perf_counter()
    done = list(recompute_courses(clinic=clinic, now=NOW))
    spent = time.perf_counter() - began
    read, changed = sum(one.read for one in done), sum(one.changed for one in done)
    assert read == changed, f"{changed} of {read} courses were written"
    return spent / read


def command(slug: str) -> tuple[float, int]:
    """Seconds and peak memory in kB of `manage.py recompute` for one clinic."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "recompute", "--clinic", slug],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"recompute --clinic {slug} ended with {process.returncode}"
    return time.perf_counter() - began, _kilobytes(usage)


def _kilobytes(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss // (1024 if sys.platform == "darwin" else 1)


def main(many: int = MANY, few: int = FEW, sample: int = 200, rounds: int = 5) -> int:

    call_command("migrate", verbosity=0)
    fill("few", few)
    fill("many", many)
    first, peak_few = command("few")  # fills what is still empty, and so writes each row
    spent, peak_many = command("many")
    print(f"{many:,} courses by one command: {spent:.1f} s; {few:,}: {first:.1f} s")
    gained = [
        1 / ratio
        for ratio in ratios(
            lambda: in_batches("few"), lambda: row_by_row("few", sample), rounds=rounds
        )
    ]
    figures = [
        Figure("row by row / in batches, every row written", tuple(gained), at_least=20),
        Figure(
            f"peak memory for {many:,} courses / for {few:,}",
            (peak_many / peak_few,),
            at_most=1.2,
        ),
    ]
    print(*figures, sep="\n")
    return 0 if all(one.reached for one in figures) else 1
