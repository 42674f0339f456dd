"""Computing every stored next dose anew."""

import datetime as dt

import pytest
from django.core.management import CommandError, call_command

from ocrevus_tracker.audit.models import Entry
from schedules import demo
from schedules.actions import recomputing
from schedules.actions.recomputing import recompute_courses
from schedules.models import NEXT_FIELDS, Course, Infusion
from tests.cast import NOW, days, give, make_patient

WRONG = dt.date(2031, 1, 1)


def recompute(clinic, batch: int = 1000) -> tuple[int, int, list[int]]:
    done = list(recompute_courses(clinic=clinic, now=NOW, batch=batch))
    refused = [pk for one in done for pk in one.refused]
    return sum(one.read for one in done), sum(one.changed for one in done), refused


def spoil(**wrong) -> None:
    Course.objects.filter(next_due_on__isnull=False).update(**{"next_due_on": WRONG} | wrong)


def stored() -> list[tuple]:
    return list(Course.objects.order_by("pk").values_list(*NEXT_FIELDS))


@pytest.fixture
def many(harbor, rosa):
    """Seven people in different places."""
    for number in range(7):
        patient = make_patient(harbor, rosa, f"P{number}")
        give(patient.course, rosa, dt.date(2025, 9, 1) + days(number * 9), 600)


def test_a_right_database_is_left_alone(clock, many, harbor):
    versions = list(Course.objects.values_list("pk", "due_version"))
    assert recompute(harbor) == (7, 0, [])
    assert list(Course.objects.values_list("pk", "due_version")) == versions
    assert not Entry.objects.filter(act="recompute").exists()


@pytest.mark.parametrize("batch", [1, 3, 7, 1000])
def test_wrong_dates_are_put_right_in_batches_of_any_size(clock, many, harbor, batch):
    right = stored()
    spoil()
    assert recompute(harbor, batch) == (7, 7, [])
    assert stored() == right


def test_each_kind_of_course_comes_out_as_one_by_one(db, clock):
    clinic = demo.build(NOW)
    right = stored()
    spoil(next_step="maintenance", next_dose_mg=1, next_earliest_on=None, lapses_on=None)
    recompute(clinic)
    assert stored() == right


def test_a_changed_date_voids_the_reminders_of_the_old_one(clock, ben, harbor):
    before = ben.course.due_version
    spoil()
    recompute(harbor)
    assert Course.objects.get().due_version == before + 1


def test_what_somebody_changes_meanwhile_stands(clock, ben, harbor, monkeypatch):
    spoil()

    def write_after_a_nurse(writes):
        Course.objects.update(due_version=99)
        return write(writes)

    write = recomputing._write
    monkeypatch.setattr(recomputing, "_write", write_after_a_nurse)
    assert recompute(harbor) == (1, 0, [])
    assert Course.objects.get().next_due_on == WRONG


def test_stopped_courses_and_other_clinics_are_not_touched(clock, ben, harbor, hill):
    assert recompute(hill) == (0, 0, [])
    Course.objects.update(stopped_on=dt.date(2026, 3, 1))
    assert recompute(harbor) == (0, 0, [])


def test_a_history_that_cannot_be_true_stops_nobody_else(clock, many, harbor, capsys):
    first = Course.objects.order_by("pk").first()
    Infusion.objects.filter(course=first).update(remainder=True)
    spoil()
    with pytest.raises(CommandError, match=rf"cannot be true; correct it: {first.pk}$"):
        call_command("recompute")
    assert capsys.readouterr().out == "7 courses, 6 changed.\n"


def test_the_trail_says_how_many_changed(clock, many, harbor):
    spoil()
    recompute(harbor)
    assert Entry.objects.get(act="recompute").reason == "7 next doses changed"


def test_the_queries_do_not_grow_with_the_courses(clock, many, harbor, django_assert_num_queries):
    with django_assert_num_queries(5):  # the courses, three of their facts, no more courses
        recompute(harbor)


@pytest.mark.parametrize("wrong", [["--batch", "0"], ["--clinic", "nowhere"]])
def test_wrong_arguments_are_a_sentence(db, harbor, wrong):
    with pytest.raises(CommandError, match=r"must be 1 or more|Known: harbor-clinic"):
        call_command("recompute", *wrong)
