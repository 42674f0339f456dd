"""On which days a clinic is closed, and why."""

import datetime as dt
import subprocess
import sys

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ocrevus_tracker.accounts.models import Clinic
from schedules.clinic_calendar import ClinicCalendar
from schedules.engine.regimens import BRIUMVI, OCREVUS_IV
from schedules.models import ClinicRules, Closure
from schedules.public_holidays import coming, countries, holidays_of, is_known, subdivisions


def day(iso: str) -> dt.date:
    return dt.date.fromisoformat(iso)


def close(clinic, first: str, last: str = "", title: str = "Inventory") -> Closure:
    last = last or first
    return Closure.objects.create(
        clinic=clinic, first_day=day(first), last_day=day(last), title=title
    )


def why_closed(clinic, iso: str) -> str:
    fresh = Clinic.objects.get(pk=clinic.pk)
    return ClinicCalendar.of(fresh, day(iso), day(iso)).why_closed(day(iso))


class TestWhyClosed:
    @pytest.mark.parametrize("iso", ["2026-03-13", "2028-02-29", "2026-07-02"])
    def test_an_ordinary_weekday_is_open(self, harbor, iso):
        assert why_closed(harbor, iso) == ""

    @pytest.mark.parametrize(
        ("iso", "why"),
        [("2026-03-14", "no visits on Saturdays"), ("2026-03-15", "no visits on Sundays")],
    )
    def test_a_weekday_without_visits_is_named(self, harbor, iso, why):
        assert why_closed(harbor, iso) == why

    def test_the_clinic_chooses_its_weekdays(self, harbor):
        ClinicRules.objects.create(clinic=harbor, open_weekdays="67")
        assert why_closed(harbor, "2026-03-14") == ""
        assert why_closed(harbor, "2026-03-13") == "no visits on Fridays"

    def test_a_public_holiday_is_named(self, harbor):
        assert why_closed(harbor, "2026-11-26") == "Thanksgiving Day"

    def test_a_holiday_on_a_weekend_is_observed_on_a_weekday(self, harbor):
        """July 4, 2026 is a Saturday."""
        assert why_closed(harbor, "2026-07-03") == "Independence Day (observed)"

    def test_new_year_is_observed_in_the_year_before(self, harbor):
        """January 1, 2028 is a Saturday."""
        assert why_closed(harbor, "2027-12-31") == "New Year's Day (observed)"

    def test_a_state_has_holidays_of_its_own(self, harbor):
        assert why_closed(harbor, "2026-02-12") == ""
        ClinicRules.objects.create(clinic=harbor, holiday_subdivision="NY")
        assert why_closed(harbor, "2026-02-12") == "Lincoln's Birthday"

    def test_a_clinic_may_take_no_holidays(self, harbor):
        ClinicRules.objects.create(clinic=harbor, holiday_country="")
        assert why_closed(harbor, "2026-11-26") == ""

    @pytest.mark.parametrize(("country", "state"), [("QQ", ""), ("US", "XX"), ("", "NY")])
    def test_an_unknown_place_has_no_holidays_and_breaks_nothing(self, harbor, country, state):
        ClinicRules.objects.create(
            clinic=harbor, holiday_country=country, holiday_subdivision=state
        )
        assert why_closed(harbor, "2026-11-26") == ""

    def test_a_closure_is_named_by_its_title_to_its_last_day(self, harbor):
        close(harbor, "2026-03-16", "2026-03-18")
        names = [why_closed(harbor, f"2026-03-{number}") for number in (13, 16, 17, 18, 19)]
        assert names == ["", "Inventory", "Inventory", "Inventory", ""]

    def test_a_closure_is_named_before_a_holiday_and_a_weekend(self, harbor):
        close(harbor, "2026-12-24", "2026-12-27", "Winter break")
        assert why_closed(harbor, "2026-12-25") == "Winter break"
        assert why_closed(harbor, "2026-12-26") == "Winter break"

    def test_another_clinics_closure_is_none_of_ours(self, harbor, hill):
        close(hill, "2026-03-16")
        assert why_closed(harbor, "2026-03-16") == ""

    def test_one_query_reads_all_days(self, harbor):
        ClinicRules.objects.create(clinic=harbor)
        for number in range(16, 21):
            close(harbor, f"2026-03-{number}")
        clinic = Clinic.objects.select_related("rules").get(pk=harbor.pk)
        with CaptureQueriesContext(connection) as queries:
            calendar = ClinicCalendar.of(clinic, day("2026-03-01"), day("2026-03-31"))
            days = [day("2026-03-01") + dt.timedelta(days=number) for number in range(31)]
            assert sum(calendar.is_open(one) for one in days) == 17
        assert len(queries) == 1


class TestPublicHolidays:
    def test_names_are_english_everywhere(self):
        assert holidays_of("DE", "BY", 2026)[day("2026-01-06")] == "Epiphany"
        assert all(name.isascii() for name in holidays_of("JP", "", 2026).values())

    def test_the_next_ones_are_in_order_from_today_on(self):
        found = coming("US", "", today=day("2026-07-03"), count=4)
        assert [one.isoformat() for one, _name in found] == [
            "2026-07-03",
            "2026-07-04",
            "2026-09-07",
            "2026-10-12",
        ]

    def test_an_unknown_place_has_none_to_come(self):
        assert coming("QQ", "", today=day("2026-07-03"), count=10) == []

    def test_countries_have_names(self):
        names = countries()
        assert names["US"] == "United States"
        assert names["IM"] == "Isle of Man"
        assert names["HK"] == "Hong Kong"
        assert list(names.values()) == sorted(names.values())

    def test_a_state_is_known_by_code_and_by_name(self):
        known = subdivisions("US")
        assert known["ny"] == known["new york"] == "NY"
        assert "xx" not in known
        assert subdivisions("QQ") == {}

    def test_every_code_fits_where_it_is_stored(self):
        longest = ClinicRules._meta.get_field("holiday_subdivision").max_length
        codes = {code for country in countries() for code in subdivisions(country).values()}
        assert max(len(code) for code in codes) <= longest

    @pytest.mark.parametrize(
        ("country", "state", "known"),
        [
            ("US", "NY", True),
            ("US", "", True),
            ("", "", True),
            ("US", "ny", False),
            ("US", "XX", False),
            ("QQ", "", False),
            ("", "NY", False),
        ],
    )
    def test_a_place_is_known_or_not(self, country, state, known):
        assert is_known(country, state) is known

    def test_pages_that_ask_for_no_holiday_do_not_load_them(self):
        code = "import sys, schedules.public_holidays; sys.exit('holidays' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestTreatmentsInUse:
    def test_a_clinic_that_never_chose_uses_all(self, harbor):
        assert len(ClinicRules.of(harbor).in_use) == 4

    def test_those_not_chosen_are_left_out(self, harbor):
        rules = ClinicRules.objects.create(clinic=harbor, regimens=["briumvi", "ocrevus-iv"])
        assert rules.in_use == [OCREVUS_IV, BRIUMVI]

    def test_the_rules_are_read_once(self, harbor, django_assert_num_queries):
        clinic = Clinic.objects.get(pk=harbor.pk)
        with django_assert_num_queries(1):
            assert ClinicRules.of(clinic) == ClinicRules.of(clinic)
