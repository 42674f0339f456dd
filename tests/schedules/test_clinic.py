"""What a clinic decides for itself: rules, closures, checks; and who may decide."""

import datetime as dt
import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ocrevus_tracker.accounts.models import Membership, Role
from ocrevus_tracker.audit.models import Entry
from schedules import actions
from schedules.models import Appointment, CheckInterval, ClinicRules, Closure
from tests.cast import NOW, TODAY, book, days, make_patient, make_staff, signed_in
from tests.schedules.test_clinic_calendar import close
from tests.schedules.test_views_record import text

CLINIC = "/staff/clinic/"


def rules_of(clinic) -> ClinicRules:
    return ClinicRules.objects.get(clinic=clinic)


def rules(**changes) -> dict:
    """What the rules form sends with its defaults, treatments aside."""
    return {
        "regimens": ["ocrevus-iv", "briumvi"],
        "region": "us",
        "long_gap_months": "9",
        "open_weekdays": ["1", "2", "3", "4", "5"],
        "holiday_country": "US",
        "holiday_subdivision": "",
        "entry_key": str(uuid.uuid4()),
    } | changes


def closure(first=(4, 10, 2026), last=("", "", ""), title="Staff training", **changes) -> dict:
    parts = {}
    for name, day in (("first_day", first), ("last_day", last)):
        for part, value in zip(("month", "day", "year"), day, strict=True):
            parts[f"{name}_{part}"] = str(value)
    return parts | {"title": title, "entry_key": str(uuid.uuid4())} | changes


@pytest.fixture
def prescriber(clock, priya):
    return signed_in(priya)


@pytest.fixture
def nurse(clock, rosa):
    return signed_in(rosa)


class TestWhoMayDecide:
    def test_a_nurse_sees_the_page_without_a_way_to_change_it(self, nurse, harbor):
        close(harbor, "2026-04-10")
        page = text(nurse.get(CLINIC))
        assert "Inventory" in page
        assert "A prescriber or the clinic's administrator can change" in page
        for words in ("Add a closure", "Remove", "Change rules", "Change the checks"):
            assert words not in page

    @pytest.mark.parametrize("role", [Role.NURSE, Role.COORDINATOR])
    @pytest.mark.parametrize("name", ["change_clinic", "change_checks", "add_closure"])
    def test_others_have_no_access_to_the_pages_that_change_it(self, clock, harbor, role, name):
        client = signed_in(make_staff(harbor, "Remy", role))
        assert client.get(reverse(f"staff:{name}")).status_code == 403
        assert client.post(reverse(f"staff:{name}"), rules()).status_code == 403

    def test_a_role_that_ends_while_a_form_is_saved_saves_nothing(
        self, prescriber, harbor, monkeypatch
    ):
        shown = prescriber.get(f"{CLINIC}checks/").context["form"]
        checks = {name: shown[name].initial or "" for name in shown.fields}
        kept = close(harbor, "2026-04-10")
        # The role was there when the request came, and is gone when the verb asks.
        monkeypatch.setattr("schedules.actions.clinics.has_duty", lambda *_: False)
        for address, sent in (
            ("change/", rules(long_gap_months="10")),
            ("checks/", checks),
            (f"closures/{kept.pk}/remove/", {}),
        ):
            assert prescriber.post(f"{CLINIC}{address}", sent).status_code == 403
        assert Closure.objects.filter(pk=kept.pk).exists()

    @pytest.mark.parametrize("role", [Role.PRESCRIBER, Role.ADMIN])
    def test_prescribers_and_administrators_may(self, clock, harbor, role):
        client = signed_in(make_staff(harbor, "Remy", role))
        assert client.post(f"{CLINIC}change/", rules(long_gap_months="10")).status_code == 302
        assert rules_of(harbor).long_gap_months == 10

    @pytest.mark.parametrize("who", ["mallory", "ana"])
    def test_strangers_and_patients_find_nothing(self, request, clock, who):
        person = request.getfixturevalue(who)
        client = signed_in(getattr(person, "user", person))
        for path in ("", "change/", "checks/", "closures/add/"):
            assert client.get(CLINIC + path).status_code == 404

    def test_another_clinics_page_is_not_found(self, prescriber, hill):
        for path in ("", "change/", "checks/", "closures/add/"):
            assert prescriber.get(f"{CLINIC}{path}?clinic={hill.slug}").status_code == 404

    @pytest.mark.parametrize(
        "verb",
        [
            lambda clinic, actor: actions.change_rules(
                clinic=clinic, actor=actor, now=NOW, long_gap_months=12
            ),
            lambda clinic, actor: actions.add_closure(
                clinic=clinic, actor=actor, now=NOW, first_day=TODAY, last_day=TODAY, title="No"
            ),
            lambda clinic, actor: actions.remove_closure(
                closure=clinic.closures.get(), actor=actor, now=NOW
            ),
            lambda clinic, actor: actions.set_check_interval(
                clinic=clinic, actor=actor, now=NOW, check_code="cbc", in_use=False
            ),
        ],
    )
    def test_the_verbs_refuse_a_nurse_and_another_clinics_prescriber(
        self, harbor, hill, rosa, verb
    ):
        close(harbor, "2026-04-10")
        for actor in (rosa, make_staff(hill, "Remy", Role.PRESCRIBER)):
            with pytest.raises(actions.UnableToChangeClinic, match="Only a prescriber or"):
                verb(harbor, actor)
        assert not Entry.objects.filter(act__contains="cl").exists()
        assert Closure.objects.count() == 1


class TestRules:
    def test_what_is_chosen_is_kept_and_shown(self, prescriber, harbor):
        sent = rules(
            regimens=["briumvi"],
            region="eu",
            long_gap_months="12",
            open_weekdays=["2", "1"],
            holiday_subdivision="new york",
        )
        page = text(prescriber.post(f"{CLINIC}change/", sent, follow=True))
        kept = rules_of(harbor)
        assert (kept.regimens, kept.region, kept.long_gap_months) == (["briumvi"], "eu", 12)
        assert (kept.open_weekdays, kept.holiday_subdivision) == ("12", "NY")
        for words in (
            "Saved.",
            "Monday, Tuesday",
            "European Union",
            "Briumvi",
            "from 12 months on",
        ):
            assert words in page
        assert "Ocrevus" not in page.split("Checks</h2>")[0]

    def test_the_form_shows_what_is_kept(self, prescriber, harbor):
        ClinicRules.objects.create(clinic=harbor, regimens=["briumvi"], open_weekdays="17")
        form = prescriber.get(f"{CLINIC}change/").context["form"]
        assert form["regimens"].value() == ["briumvi"]
        assert form["open_weekdays"].value() == ["1", "7"]

    def test_each_treatment_names_its_source(self, prescriber):
        for path in ("", "change/"):
            shown = text(prescriber.get(CLINIC + path))
            assert "US label and EU SmPC: 300 mg, 300 mg two weeks later, then 600 mg" in shown

    def test_the_next_holidays_are_those_of_the_state(self, prescriber, harbor):
        shown = prescriber.get(CLINIC).context["holidays"]
        assert len(shown) == 10
        assert shown[0] == (dt.date(2026, 5, 25), "Memorial Day")
        prescriber.post(f"{CLINIC}change/", rules(holiday_subdivision="NY"))
        page = prescriber.get(CLINIC)
        assert (dt.date(2026, 11, 3), "Election Day") in page.context["holidays"]
        assert "Tuesday, November 3, 2026" in text(page)

    def test_no_holidays_can_be_chosen(self, prescriber, harbor):
        page = prescriber.post(f"{CLINIC}change/", rules(holiday_country=""), follow=True)
        assert "No public holidays are taken into account." in text(page)

    @pytest.mark.parametrize(("country", "state"), [("QQ", ""), ("US", "XX")])
    def test_a_place_that_nobody_knows_is_told(self, nurse, harbor, country, state):
        ClinicRules.objects.create(
            clinic=harbor, holiday_country=country, holiday_subdivision=state
        )
        page = nurse.get(CLINIC)
        assert "The holiday calendar does not know this place" in text(page)
        assert page.context["holidays"] == []

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"regimens": []}, "Tick at least one treatment"),
            ({"regimens": ["aspirin"]}, "Choose one of the answers"),
            ({"region": "moon"}, "Choose one of the answers"),
            ({"open_weekdays": []}, "Tick at least one day"),
            ({"open_weekdays": ["8"]}, "Choose one of the answers"),
            ({"long_gap_months": ""}, "Enter a whole number of months, from 6 to 36"),
            ({"long_gap_months": "5"}, "Enter a whole number of months, from 6 to 36"),
            ({"long_gap_months": "37"}, "Enter a whole number of months, from 6 to 36"),
            ({"long_gap_months": "nine"}, "Enter a whole number of months, from 6 to 36"),
            ({"long_gap_months": "9" * 5000}, "Enter a whole number of months, from 6 to 36"),
            ({"holiday_country": "QQ"}, "Choose one of the answers"),
            ({"holiday_subdivision": "Narnia"}, "No such state or region in United States. Enter"),
            ({"holiday_subdivision": "N" * 41}, "Use 40 characters or fewer"),
            ({"holiday_subdivision": "N\x00"}, "cannot be shown"),
            (
                {"holiday_country": "JP", "holiday_subdivision": "Tokyo"},
                "Japan has the same holidays everywhere: leave this empty",
            ),
            ({"holiday_country": "", "holiday_subdivision": "NY"}, "Choose a country, or leave"),
            ({"entry_key": "x"}, "This page was open for a long time"),
        ],
    )
    def test_bad_input_is_explained_and_nothing_is_saved(self, prescriber, changes, words):
        page = prescriber.post(f"{CLINIC}change/", rules(**changes))
        assert page.status_code == 200
        assert words in text(page)
        assert not ClinicRules.objects.exists()

    def test_the_trail_has_before_and_after_once(self, prescriber, harbor):
        sent = rules(regimens=actions.clinics.ClinicRules().regimens, long_gap_months="10")
        prescriber.post(f"{CLINIC}change/", sent)
        prescriber.post(f"{CLINIC}change/", sent)
        entry = Entry.objects.get(act="change clinic rules")
        assert entry.reason == "long_gap_months: 9 -> 10"

    def test_the_verb_refuses_a_treatment_that_nobody_knows(self, harbor, priya):
        with pytest.raises(ValidationError):
            actions.change_rules(clinic=harbor, actor=priya, now=NOW, regimens=["aspirin"])
        assert not Entry.objects.exists()


class TestClosures:
    def test_one_day_needs_one_date(self, prescriber, harbor):
        page = prescriber.post(f"{CLINIC}closures/add/", closure(), follow=True)
        kept = Closure.objects.get()
        assert kept.first_day == kept.last_day == dt.date(2026, 4, 10)
        assert "Saved. Due dates stay as they are, and so do booked visits." in text(page)
        assert "Staff training" in text(page)

    def test_a_second_tap_keeps_one_copy(self, prescriber):
        sent = closure()
        for _tap in range(2):
            assert prescriber.post(f"{CLINIC}closures/add/", sent).status_code == 302
        assert Closure.objects.count() == 1
        assert Entry.objects.filter(act="add closure").count() == 1

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"first": ("", "", "")}, "Enter the first day closed"),
            ({"first": (2, 30, 2026)}, "The first day must be a real date"),
            ({"last": (4, 9, 2026)}, "The last day must not be before the first day."),
            ({"last": (4, 12, 2027)}, "This closure is longer than a year. Check the year."),
            ({"first": (3, 11, 2026)}, "The last day must be today or in the future."),
            ({"first": (3, 2, 2026), "last": (3, 11, 2026)}, "must be today or in the future"),
            ({"title": ""}, "Say why, like Staff training"),
            ({"title": "x" * 81}, "Use 80 characters or fewer"),
            ({"title": "x\u202ey"}, "cannot be shown"),
            ({"entry_key": ""}, "This page was open for a long time"),
        ],
    )
    def test_bad_input_is_explained_and_nothing_is_saved(self, prescriber, changes, words):
        page = prescriber.post(f"{CLINIC}closures/add/", closure(**changes))
        assert page.status_code == 200
        assert words in text(page)
        assert not Closure.objects.exists()

    @pytest.mark.parametrize("last", [(4, 10, 2026), (4, 11, 2027), (3, 12, 2026)])
    def test_a_day_to_a_year_is_fine(self, prescriber, last):
        first = (3, 12, 2026) if last[0] == 3 else (4, 10, 2026)
        prescriber.post(f"{CLINIC}closures/add/", closure(first, last))
        assert Closure.objects.exists()

    def test_one_that_has_begun_can_be_entered_and_is_shown_to_its_end(
        self, prescriber, clock, priya
    ):
        prescriber.post(f"{CLINIC}closures/add/", closure((3, 2, 2026), (3, 13, 2026)))
        assert "Staff training" in text(prescriber.get(CLINIC))
        clock.move_to(NOW + days(2), tick=False)
        signed_in(priya, prescriber)
        assert "No closure is planned." in text(prescriber.get(CLINIC))

    def test_a_form_of_another_clinic_is_not_used_here(self, prescriber, priya, harbor, hill):
        Membership.objects.create(user=priya, clinic=hill, role=Role.ADMIN)
        sent = closure()
        prescriber.post(f"{CLINIC}closures/add/?clinic={hill.slug}", sent)
        page = prescriber.post(f"{CLINIC}closures/add/?clinic={harbor.slug}", sent)
        assert "This page was used before" in text(page)
        assert Closure.objects.get().clinic == hill

    def test_removed_twice_it_is_removed_once(self, prescriber, harbor):
        gone = close(harbor, "2026-04-10").pk
        for _tap in range(2):
            page = prescriber.post(f"{CLINIC}closures/{gone}/remove/", follow=True)
            assert "The closure is removed." in text(page)
        assert not Closure.objects.exists()
        entry = Entry.objects.get(act="remove closure")
        assert (entry.subject, entry.reason) == (
            f"closure {gone}",
            "Inventory: April 10, 2026 - April 10, 2026",
        )

    def test_the_verb_finds_it_gone(self, harbor, priya):
        gone = close(harbor, "2026-04-10")
        for _tap in range(2):
            actions.remove_closure(closure=gone, actor=priya, now=NOW)
        assert Entry.objects.count() == 1

    def test_another_clinics_closure_stays(self, prescriber, hill):
        theirs = close(hill, "2026-04-10")
        prescriber.post(f"{CLINIC}closures/{theirs.pk}/remove/")
        assert Closure.objects.get() == theirs

    def test_a_nurse_removes_none(self, nurse, harbor):
        ours = close(harbor, "2026-04-10")
        assert nurse.post(f"{CLINIC}closures/{ours.pk}/remove/").status_code == 403
        assert Closure.objects.exists()

    def test_looking_removes_none(self, prescriber, harbor):
        ours = close(harbor, "2026-04-10")
        assert prescriber.get(f"{CLINIC}closures/{ours.pk}/remove/").status_code == 405


class TestVisitsOnClosedDays:
    def test_they_are_listed_and_stay_where_they_are(self, prescriber, ben, rosa):
        visit = book(ben.course, rosa, dt.date(2026, 4, 10))
        before = ben.course.next_due_on
        page = text(prescriber.post(f"{CLINIC}closures/add/", closure(), follow=True))
        assert "1 visit lies on a closed day" in page
        assert "Move Ben Example: Friday, April 10, 2026, 9:00 a.m.</a>" not in page
        assert "Move Ben Example: Friday, April 10, 2026, 9:00 a.m. (Staff training)" in page
        assert reverse("staff:move", args=[ben.pk, visit.pk]) in page
        visit.refresh_from_db()
        assert visit.local_date == dt.date(2026, 4, 10)
        ben.course.refresh_from_db()
        assert ben.course.next_due_on == before

    def test_new_weekdays_find_them_too(self, prescriber, ben, rosa):
        book(ben.course, rosa, dt.date(2026, 4, 10))
        sent = rules(open_weekdays=["1"])
        page = text(prescriber.post(f"{CLINIC}change/", sent, follow=True))
        assert "(no visits on Fridays)" in page

    def test_a_visit_of_today_counts_and_one_of_yesterday_or_cancelled_does_not(
        self, nurse, harbor, ben, ana, rosa
    ):
        close(harbor, "2026-03-11", "2026-04-30")
        book(ben.course, rosa, TODAY - days(1), 14, now=NOW - days(5))  # 21 hours ago
        off = book(ana.course, rosa, TODAY + days(5))
        actions.cancel_visit(visit=off, actor=rosa, now=NOW)
        today = book(ana.course, rosa, TODAY, 8)  # over by now, and yet of today
        listed = nurse.get(CLINIC).context["closed_visits"]
        assert [visit for visit, _why in listed] == [today]

    def test_other_clinics_visits_are_none_of_ours(self, nurse, harbor, hill, nils):
        close(harbor, "2026-03-11", "2026-04-30")
        book(make_patient(hill, nils, "Zoe").course, nils, TODAY + days(5))
        assert nurse.get(CLINIC).context["closed_visits"] == []

    def test_many_take_as_many_queries_as_one_and_the_first_are_shown(
        self, nurse, harbor, ben, ana, rosa
    ):
        close(harbor, "2026-03-11", "2026-12-30")
        book(ana.course, rosa, TODAY + days(5))
        with CaptureQueriesContext(connection) as one:
            nurse.get(CLINIC)
        made = [
            Appointment(
                course=ana.course,
                starts_at=NOW + days(10 + number),
                booked_by=rosa,
                booked_at=NOW,
            )
            for number in range(30)
        ]
        Appointment.objects.bulk_create(made)
        with CaptureQueriesContext(connection) as many:
            page = text(nurse.get(CLINIC))
        assert len(one) == len(many) <= 11  # one of them tells the trail who was shown
        assert "31 visits lie on closed days" in page
        assert "And 6 more." in page


class TestSeveralClinics:
    @pytest.fixture
    def both(self, prescriber, priya, hill):
        Membership.objects.create(user=priya, clinic=hill, role=Role.NURSE)
        return prescriber

    def test_the_first_is_shown_and_the_other_a_switch_away(self, both, harbor, hill):
        page = both.get(CLINIC)
        assert page.context["clinic"] == harbor
        assert f'name="clinic" value="{hill.slug}"' in text(page)
        assert both.get(f"{CLINIC}?clinic={hill.slug}").context["clinic"] == hill

    def test_with_one_clinic_there_is_no_choice(self, prescriber):
        assert "?clinic=harbor-clinic" in text(prescriber.get(CLINIC))  # its forms
        assert 'class="tabs"' not in text(prescriber.get(CLINIC))

    def test_a_role_counts_at_its_own_clinic_only(self, both, hill):
        assert "Add a closure" not in text(both.get(f"{CLINIC}?clinic={hill.slug}"))
        assert both.get(f"{CLINIC}change/?clinic={hill.slug}").status_code == 404

    def test_a_change_is_made_where_it_was_asked_for(self, both, priya, harbor, hill):
        Membership.objects.filter(user=priya, clinic=hill).update(role=Role.ADMIN)
        page = both.post(f"{CLINIC}closures/add/?clinic={hill.slug}", closure(), follow=True)
        assert page.context["clinic"] == hill
        assert Closure.objects.get().clinic == hill


class TestChecks:
    @pytest.fixture
    def sent(self, prescriber) -> dict[str, str]:
        """What the page sends when nothing is changed."""
        form = prescriber.get(f"{CLINIC}checks/").context["form"]
        shown = {name: form[name].value() for name in form.fields}
        on = {name: "on" if value is True else value for name, value in shown.items()}
        return {name: str(value) for name, value in on.items() if value not in (None, False)}

    def test_saving_what_is_shown_changes_nothing(self, prescriber, sent):
        page = prescriber.post(f"{CLINIC}checks/", sent, follow=True)
        assert "Saved." in text(page)
        assert not CheckInterval.objects.exists()
        assert not Entry.objects.filter(act="set check").exists()

    def test_a_check_is_left_out_and_another_comes_more_often(self, prescriber, sent, harbor):
        del sent["cbc-use"]
        prescriber.post(f"{CLINIC}checks/", sent | {"liver-months": "3"})
        kept = {one.check_code: one for one in CheckInterval.objects.filter(clinic=harbor)}
        assert set(kept) == {"cbc", "liver"}
        assert not kept["cbc"].in_use
        assert kept["liver"].every_months == 3
        shown = dict(prescriber.get(CLINIC).context["checks"])
        assert (shown["Blood count"], shown["Liver tests"]) == (
            "Not at this clinic",
            "Every 3 months",
        )

    def test_what_the_label_asks_for_before_the_start_cannot_be_left_out(self, prescriber, sent):
        del sent["liver-use"]
        prescriber.post(f"{CLINIC}checks/", sent)
        shown = dict(prescriber.get(CLINIC).context["checks"])
        assert shown["Liver tests"] == "Before the first dose only"
        assert "hepatitis-b-use" not in sent

    @pytest.mark.parametrize(
        ("choice", "words"),
        [
            ("usual", "Before the first dose"),
            ("every-dose", "Before every dose"),
            ("never", "Not at this clinic"),
        ],
    )
    def test_a_test_before_each_dose_is_the_clinics_choice(self, prescriber, sent, choice, words):
        for answer in ("every-dose", choice):
            prescriber.post(f"{CLINIC}checks/", sent | {"pregnancy-use": answer})
        assert dict(prescriber.get(CLINIC).context["checks"])["Pregnancy"] == words
        form = prescriber.get(f"{CLINIC}checks/").context["form"]
        assert form["pregnancy-use"].value() == choice

    def test_without_an_answer_of_their_own_they_are_as_usual(self, nurse):
        shown = dict(nurse.get(CLINIC).context["checks"])
        assert shown["Liver tests"] == "Every 6 months"
        assert shown["Breast screening"] == "As the guideline says"
        assert shown["Insurance approval"] == "Before every dose"
        assert "Hepatitis B" not in shown

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"liver-months": "0"}, "Enter a whole number of months, from 1 to 60"),
            ({"liver-months": "61"}, "Enter a whole number of months, from 1 to 60"),
            ({"liver-months": "often"}, "Enter a whole number of months, from 1 to 60"),
            ({"pregnancy-use": "sometimes"}, "Choose one of the answers"),
            ({"pregnancy-use": ""}, "Choose one of the answers"),
        ],
    )
    def test_bad_input_is_explained_and_nothing_is_saved(self, prescriber, sent, changes, words):
        page = prescriber.post(f"{CLINIC}checks/", sent | changes)
        assert page.status_code == 200
        assert words in text(page)
        assert not CheckInterval.objects.exists()

    def test_the_trail_has_each_change_once(self, prescriber, sent):
        for _tap in range(2):
            prescriber.post(f"{CLINIC}checks/", sent | {"mri-months": "24"})
        entry = Entry.objects.get(act="set check")
        assert entry.reason == "mri: in use: True, months: 24"

    def test_the_verb_knows_its_checks(self, harbor, priya):
        with pytest.raises(actions.UnableToChangeClinic, match="no such check"):
            actions.set_check_interval(
                clinic=harbor, actor=priya, now=NOW, check_code="tarot", in_use=True
            )
