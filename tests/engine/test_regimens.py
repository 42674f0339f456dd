"""Section 5 of the rules: the protocols, figure by figure, as data."""

import dataclasses

import pytest

from schedules.engine.dates import months, weeks
from schedules.engine.regimens import (
    BRIUMVI,
    OCREVUS_IV,
    OCREVUS_IV_24W,
    OCREVUS_SC,
    REGIMENS,
    current_regimen,
)

EVERY = pytest.mark.parametrize("regimen", REGIMENS.values(), ids=lambda one: one.code)


@pytest.mark.parametrize(
    ("regimen", "initial", "maintenance_mg", "interval", "min_gap"),
    [
        (OCREVUS_IV, [(300, 0), (300, 14)], 600, months(6), months(5)),
        (OCREVUS_IV_24W, [(300, 0), (300, 14)], 600, weeks(24), weeks(20)),
        (OCREVUS_SC, [(920, 0)], 920, months(6), months(5)),
        (BRIUMVI, [(150, 0), (450, 14)], 450, weeks(24), months(5)),
    ],
)
def test_a_protocol_is_as_its_label_has_it(regimen, initial, maintenance_mg, interval, min_gap):
    assert [(one.dose_mg, one.offset_days) for one in regimen.initial] == initial
    assert regimen.maintenance_mg == maintenance_mg
    assert (regimen.interval, regimen.min_gap) == (interval, min_gap)


@pytest.mark.parametrize(
    ("regimen", "drug", "route"),
    [
        (OCREVUS_IV, "ocrelizumab", "iv"),
        (OCREVUS_IV_24W, "ocrelizumab", "iv"),
        (OCREVUS_SC, "ocrelizumab", "sc"),
        (BRIUMVI, "ublituximab", "iv"),
    ],
)
def test_a_protocol_names_its_drug_and_its_way_into_the_body(regimen, drug, route):
    assert (regimen.drug, regimen.route) == (drug, route)


@EVERY
def test_a_course_lapses_after_a_year(regimen):
    assert regimen.lapse == months(12)


@EVERY
def test_a_protocol_names_its_source_and_version(regimen):
    assert regimen.source
    assert "[" not in regimen.grounds
    assert " :" not in regimen.grounds
    assert REGIMENS[regimen.code, regimen.version] is regimen


@EVERY
def test_a_protocol_cannot_be_edited(regimen):
    with pytest.raises(dataclasses.FrozenInstanceError):
        regimen.maintenance_mg = 1


def test_the_newest_version_is_the_current_one(monkeypatch):
    newer = dataclasses.replace(BRIUMVI, version="2027-01")
    monkeypatch.setitem(REGIMENS, ("briumvi", "2027-01"), newer)
    assert current_regimen("briumvi") is newer


def test_an_unknown_regimen_is_an_error():
    with pytest.raises(KeyError, match="aspirin"):
        current_regimen("aspirin")
