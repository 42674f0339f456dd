"""Section 3 of the rules: rate tables, run times and chair times, figure by figure."""

import pytest

from schedules.engine.infusing import TABLES, barred_by, options
from schedules.engine.regimens import (
    BRIUMVI,
    OCREVUS_IV,
    OCREVUS_IV_24W,
    OCREVUS_SC,
    REGIMENS,
)
from tests.engine.saying import day, dose

EVERY_OPTION = [
    (regimen, step, one)
    for regimen, steps in TABLES.items()
    for step, found in steps.items()
    for one in found
]


def rates(option):
    return [(rate.ml_per_hour, rate.minutes) for rate in option.rates]


class TestOcrevusByInfusion:
    @pytest.mark.parametrize("regimen", [OCREVUS_IV, OCREVUS_IV_24W])
    @pytest.mark.parametrize("step", ["initial-1", "initial-2"])
    def test_each_part_of_the_first_dose(self, regimen, step):
        (only,) = options(regimen, step)
        steps = [(30, 30), (60, 30), (90, 30), (120, 30), (150, 30), (180, None)]
        assert (only.dose_mg, rates(only)) == (300, steps)
        assert (only.volumes_ml, only.run_minutes) == ((250, 260), (158, 162))
        assert (only.label_minutes, only.chair_minutes) == (150, 285)

    @pytest.mark.parametrize("regimen", [OCREVUS_IV, OCREVUS_IV_24W])
    def test_maintenance_the_usual_way(self, regimen):
        usual, _ = options(regimen, "maintenance")
        steps = [(40, 30), (80, 30), (120, 30), (160, 30), (200, None)]
        assert (usual.code, usual.dose_mg, rates(usual)) == ("option-1", 600, steps)
        assert (usual.volumes_ml, usual.run_minutes) == ((500, 520), (210, 216))
        assert (usual.label_minutes, usual.chair_minutes) == (210, 345)

    def test_maintenance_the_short_way(self):
        _, short = options(OCREVUS_IV, "maintenance")
        steps = [(100, 15), (200, 15), (250, 30), (300, None)]
        assert (short.code, short.dose_mg, rates(short)) == ("option-2", 600, steps)
        assert (short.volumes_ml, short.run_minutes) == ((500, 520), (120, 124))
        assert (short.label_minutes, short.chair_minutes) == (120, 255)


class TestTheInjection:
    def test_the_first_is_watched_for_an_hour(self):
        (only,) = options(OCREVUS_SC, "initial-1")
        assert (only.run_minutes, only.observe_minutes, only.chair_minutes) == ((10,), 60, 135)

    def test_the_first_after_infusions_is_too(self):
        (only,) = options(OCREVUS_SC, "maintenance", before=[dose("2026-05-12 600")])
        assert only.observe_minutes == 60

    def test_a_later_one_for_a_quarter_of_an_hour(self):
        (only,) = options(OCREVUS_SC, "maintenance", given=[dose("2026-05-12 920")])
        assert (only.observe_minutes, only.chair_minutes) == (15, 90)


class TestBriumvi:
    def test_the_first_takes_four_hours(self):
        (only,) = options(BRIUMVI, "initial-1")
        assert (only.rates, only.run_minutes, only.chair_minutes) == (None, (240,), 360)

    @pytest.mark.parametrize("step", ["initial-2", "maintenance"])
    def test_what_no_source_gives_is_not_made_up(self, step):
        (only,) = options(BRIUMVI, step)
        assert (only.rates, only.label_minutes) == (None, None)
        assert (only.run_minutes, only.chair_minutes) == ((), None)


def with_reaction(grade, on="2026-05-12"):
    return dose(f"{on} 600", reaction=grade)


def codes(**more):
    return [one.code for one in options(OCREVUS_IV, "maintenance", **more)]


class TestTheShortInfusion:
    @pytest.mark.parametrize("grade", [None, "mild", "moderate"])
    def test_is_there_after_no_reaction_or_a_light_one(self, grade):
        assert codes(given=[with_reaction(grade)]) == ["option-1", "option-2"]

    @pytest.mark.parametrize("grade", ["severe", "life-threatening"])
    def test_is_barred_by_a_serious_one(self, grade):
        assert codes(given=[with_reaction(grade), dose("2026-11-12 600")]) == ["option-1"]

    def test_is_barred_by_one_under_an_earlier_regimen(self):
        assert codes(before=[with_reaction("severe")]) == ["option-1"]

    def test_is_back_once_a_prescriber_allows_it(self):
        given = [with_reaction("severe")]
        assert codes(given=given, reenabled_on=day("2026-05-13")) == ["option-1", "option-2"]

    def test_is_not_back_by_a_word_from_the_day_of_the_reaction(self):
        assert codes(given=[with_reaction("severe")], reenabled_on=day("2026-05-12")) == [
            "option-1"
        ]

    def test_is_barred_anew_by_the_next_serious_one(self):
        again = with_reaction("severe", on="2026-11-12")
        given = [again, with_reaction("severe")]
        assert codes(given=given, reenabled_on=day("2026-05-13")) == ["option-1"]
        assert barred_by(given, day("2026-05-13")) is again


@pytest.mark.parametrize("regimen", REGIMENS.values(), ids=lambda one: one.code)
def test_every_step_of_every_regimen_has_its_table(regimen):
    steps = [one.step for one in regimen.initial] + ["maintenance"]
    assert list(TABLES[regimen]) == steps


@pytest.mark.parametrize(("regimen", "step", "option"), EVERY_OPTION)
def test_an_option_gives_the_dose_of_its_step_and_names_its_source(regimen, step, option):
    assert option.dose_mg == regimen.dose_mg(step)
    assert option.source


@pytest.mark.parametrize("option", [one for *_, one in EVERY_OPTION if one.rates])
def test_only_the_last_rate_of_a_table_runs_to_the_end(option):
    assert [rate.minutes is None for rate in option.rates] == [False] * (len(option.rates) - 1) + [
        True
    ]
