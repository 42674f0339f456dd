"""A14: how long to wait after another treatment."""

import pytest

from schedules.engine.washout import RULES, washout
from tests.engine.saying import dates, day

LAST = day("2026-03-01")


def test_after_natalizumab_there_is_an_earliest_a_target_and_an_alert():
    found = washout("natalizumab", LAST)
    assert (found.earliest_on, found.target_on, found.alert_after) == dates(
        "2026-03-29",  # 28 days
        "2026-04-12",  # 42 days
        "2026-04-15",  # 45 days
    )
    assert found.note == "Exclude PML by MRI first."


@pytest.mark.parametrize(
    ("drug", "earliest"),
    [
        ("fingolimod", "2026-04-26"),  # 8 weeks
        ("azathioprine", "2026-05-24"),  # 12 weeks
        ("mycophenolate", "2026-05-24"),
        ("methotrexate", "2026-05-24"),
        ("cladribine", "2028-01-02"),  # 96 weeks
    ],
)
def test_after_these_there_is_an_earliest_day_only(drug, earliest):
    found = washout(drug, LAST)
    assert (found.earliest_on, found.target_on, found.alert_after) == (day(earliest), None, None)


def test_after_teriflunomide_no_date_can_be_counted():
    found = washout("teriflunomide", LAST)
    assert (found.earliest_on, found.target_on, found.alert_after) == (None, None, None)
    assert found.note == "Wait until the drug is cleared."


def test_every_figure_has_its_source():
    assert all(washout(drug, LAST).source for drug in RULES)


def test_an_unknown_drug_is_an_error():
    with pytest.raises(KeyError, match="aspirin"):
        washout("aspirin", LAST)
