"""Finding, adding and changing patients, and one patient's page."""

import datetime as dt
import re
import uuid
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ocrevus_tracker.accounts.models import Membership
from schedules import actions
from schedules.engine.dates import months
from schedules.engine.regimens import OCREVUS_IV, REGIMENS
from schedules.models import ClinicRules, Patient, PatientInvitation, StopReason
from tests.cast import NOW, TODAY, book, days, give, make_patient, signed_in
from tests.schedules.test_views_record import text

ADD = "/staff/patients/add/"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"  # one picture, five characters


def details(**changes) -> dict[str, str]:
    return {
        "given_name": "Dora",
        "family_name": "Díaz",
        "date_of_birth_month": "3",
        "date_of_birth_day": "27",
        "date_of_birth_year": "1982",
        "record_number": "D-1",
        "email": "dora@example.org",
        "wants_reminders": "on",
        "language": "en",
        "regimen_code": "ocrevus-iv",
        "entry_key": str(uuid.uuid4()),
    } | changes


@pytest.fixture
def nurse(clock, rosa):
    return signed_in(rosa)


class TestAdd:
    def test_a_new_patient_has_a_page(self, nurse):
        page = nurse.post(ADD, details(), follow=True)
        assert "Saved. Dora is now a patient of Harbor Clinic." in text(page)
        patient = Patient.objects.get()
        assert (patient.full_name, patient.age_on(TODAY)) == ("Dora Díaz", 43)

    @pytest.mark.parametrize(("ticked", "count"), [({"invite": "on"}, 1), ({}, 0)])
    def test_the_invitation_is_ticked_already_and_goes_out_unless_that_is_undone(
        self, nurse, ticked, count
    ):
        assert re.search(r'name="invite"[^>]* checked', nurse.get(ADD).content.decode())
        nurse.post(ADD, details(**ticked))
        assert Patient.objects.get().user is None
        assert PatientInvitation.objects.count() == count

    def test_the_plan_and_the_ordered_date_are_kept(self, nurse):
        ordered = {"ordered_for_month": "4", "ordered_for_day": "1", "ordered_for_year": "2026"}
        nurse.post(ADD, details(regimen_code="briumvi", **ordered))
        course = Patient.objects.get().course
        assert (course.regimen_code, course.next_due_on) == ("briumvi", dt.date(2026, 4, 1))

    def test_a_second_tap_keeps_one_copy(self, nurse):
        sent = details()
        nurse.post(ADD, sent, follow=True)
        assert "Already saved. We kept one copy." in text(nurse.post(ADD, sent, follow=True))
        assert Patient.objects.count() == 1

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"date_of_birth_year": "2010"}, "the doses here are not for people under 18"),
            ({"date_of_birth_year": "2026"}, "must be today or in the past"),
            ({"date_of_birth_month": "2", "date_of_birth_day": "31"}, "must be a real date"),
            ({"email": "dora@example.org\nBcc: all@example.org"}, "Enter an email address"),
            ({"email": "dora"}, "Enter an email address, like name@example.com"),
            ({"email": "dora@example.org\u200b"}, "Enter an email address"),
            ({"email": "\u212aate@example.org"}, "Enter an email address"),
            ({"given_name": "\u200b"}, "Take out the characters that cannot be shown"),
            ({"email": "a" * 250 + "@example.org"}, "254 characters or fewer"),
            ({"given_name": "\U0001f600" * 300}, "Use 80 characters or fewer"),
            ({"given_name": FAMILY * 300}, "Use 80 characters or fewer"),
            ({"family_name": "D\x00"}, "cannot be shown"),
            ({"family_name": "D\u202eb"}, "cannot be shown"),
            ({"given_name": "Dora\nDíaz"}, "Write this on one line"),
            ({"given_name": "  "}, "Fill in “First name”"),
            ({"record_number": "9" * 41}, "Use 40 characters or fewer"),
            ({"phone": "5" * 41}, "Use 40 characters or fewer"),
            ({"language": "xx"}, "Choose one of the answers"),
            ({"time_zone": "Mars/Olympus"}, "Choose one of the answers"),
            ({"regimen_code": "aspirin"}, "Choose one of the answers"),
            ({"entry_key": ""}, "This page was open for a long time"),
        ],
    )
    def test_bad_input_is_explained_and_nothing_is_saved(self, nurse, changes, words):
        page = nurse.post(ADD, details(**changes))
        assert page.status_code == 200
        assert "There is a problem" in text(page)
        assert words in text(page)
        assert not Patient.objects.exists()

    def test_the_age_is_an_error_of_the_date_of_birth(self, nurse):
        page = nurse.post(ADD, details(date_of_birth_year="2010"))
        assert list(page.context["form"].errors) == ["date_of_birth"]

    def test_sixteen_families_are_a_name(self, nurse):
        nurse.post(ADD, details(given_name=FAMILY * 16))
        assert Patient.objects.get().given_name == FAMILY * 16

    def test_a_taken_record_number_is_refused_with_everything_kept(self, nurse, ana):
        page = nurse.post(ADD, details(record_number=ana.record_number))
        assert "Another patient of this clinic has this record number." in text(page)
        assert 'value="Dora"' in text(page)

    def test_eighteen_today_is_an_adult(self, nurse):
        birthday = {"date_of_birth_month": "3", "date_of_birth_day": "12"}
        nurse.post(ADD, details(date_of_birth_year="2008", **birthday))
        assert Patient.objects.exists()

    def test_one_clinic_is_no_question_and_two_are(self, nurse, rosa, hill):
        assert "clinic" not in nurse.get(ADD).context["form"].fields
        Membership.objects.create(user=rosa, clinic=hill)
        nurse.post(ADD, details(clinic=str(hill.pk)))
        assert Patient.objects.get().clinic == hill

    def test_the_plans_are_those_that_the_clinic_uses(self, nurse, harbor):
        offered = nurse.get(ADD).context["form"].fields["regimen_code"].choices
        codes = [code for code, _title in offered]
        assert codes == ["ocrevus-iv", "ocrevus-iv-24w", "ocrevus-sc", "briumvi"]
        ClinicRules.objects.create(clinic=harbor, regimens=["ocrevus-sc", "briumvi"])
        form = nurse.get(ADD).context["form"]
        codes = [code for code, _title in form.fields["regimen_code"].choices]
        assert codes == ["ocrevus-sc", "briumvi"]
        assert form["regimen_code"].value() == "ocrevus-sc"
        page = nurse.post(ADD, details(regimen_code="ocrevus-iv"))
        assert "Choose one of the answers" in text(page)

    def test_one_plan_is_no_question(self, nurse, harbor):
        ClinicRules.objects.create(clinic=harbor, regimens=["briumvi"])
        assert "regimen_code" not in nurse.get(ADD).context["form"].fields
        nurse.post(ADD, details(regimen_code="ocrevus-iv"))
        assert Patient.objects.get().course.regimen_code == "briumvi"

    def test_with_two_clinics_the_plan_is_one_of_the_chosen_clinic(self, nurse, rosa, hill):
        Membership.objects.create(user=rosa, clinic=hill)
        ClinicRules.objects.create(clinic=hill, regimens=["briumvi"])
        sent = details(clinic=str(hill.pk))
        page = nurse.post(ADD, sent)
        assert "Hill Clinic does not use this plan. Choose another one" in text(page)
        assert not Patient.objects.exists()
        nurse.post(ADD, sent | {"regimen_code": "briumvi"})
        assert Patient.objects.get().course.regimen_code == "briumvi"

    def test_a_new_version_of_a_plan_is_for_new_courses_only(self, nurse, monkeypatch, ben, rosa):
        before = ben.course.forecast(TODAY)
        newer = replace(OCREVUS_IV, version="2099-01", interval=months(7))
        monkeypatch.setitem(REGIMENS, (newer.code, newer.version), newer)
        assert ben.course.forecast(TODAY) == before
        give(ben.course, rosa, dt.date(2026, 3, 11), now=NOW)
        assert ben.course.next_due_on == dt.date(2026, 9, 11)
        nurse.post(ADD, details())
        course = Patient.objects.get(given_name="Dora").course
        assert course.regimen_version == "2099-01"
        give(course, rosa, dt.date(2026, 3, 11), now=NOW)
        assert course.next_due_on == dt.date(2026, 10, 11)

    def test_another_clinic_cannot_be_chosen(self, nurse, rosa, hill, harbor):
        nurse.post(ADD, details(clinic=str(hill.pk)))
        assert Patient.objects.get().clinic == harbor


class TestChange:
    def test_changed_details_are_kept(self, nurse, ben):
        sent = details(record_number="B-2", time_zone="America/Denver")
        page = nurse.post(f"/staff/patients/{ben.pk}/change/", sent, follow=True)
        assert "Saved." in text(page)
        ben.refresh_from_db()
        assert (ben.full_name, ben.time_zone) == ("Dora Díaz", "America/Denver")

    def test_the_form_shows_what_is_stored(self, nurse, ben):
        form = nurse.get(f"/staff/patients/{ben.pk}/change/").context["form"]
        assert form["given_name"].value() == "Ben"
        assert form["date_of_birth"].value() == dt.date(1985, 3, 27)

    def test_no_reminders_can_be_chosen(self, nurse, ben):
        sent = details()
        del sent["wants_reminders"]
        nurse.post(f"/staff/patients/{ben.pk}/change/", sent)
        ben.refresh_from_db()
        assert not ben.wants_reminders

    def test_a_taken_number_changes_nothing(self, nurse, ana, ben):
        sent = details(record_number=ana.record_number)
        page = text(nurse.post(f"/staff/patients/{ben.pk}/change/", sent))
        assert "Another patient of this clinic has this record number." in page
        assert "Ben Example" in page
        ben.refresh_from_db()
        assert ben.given_name == "Ben"


class TestSearch:
    @pytest.mark.parametrize("words", ["be", "Ben", "exa", "ben exa", "EXAMPLE ben"])
    def test_by_the_beginning_of_a_name(self, nurse, ben, words):
        assert list(nurse.get("/staff/patients/", {"q": words}).context["rows"]) == [ben]

    def test_by_record_number(self, nurse, ana, ben):
        found = nurse.get("/staff/patients/", {"q": ben.record_number}).context["rows"]
        assert list(found) == [ben]

    def test_without_words_everybody_is_there_in_order(self, nurse, ana, ben):
        assert list(nurse.get("/staff/patients/").context["rows"]) == [ana, ben]

    def test_nobody_found_offers_to_add(self, nurse, ben):
        page = text(nurse.get("/staff/patients/", {"q": "lopes"}))
        assert "No one matches “lopes”. Check the spelling" in page
        assert ADD in page

    def test_other_clinics_people_are_not_found(self, nurse, hill, nils):
        make_patient(hill, nils, "Zoe")
        assert not nurse.get("/staff/patients/", {"q": "zoe"}).context["rows"].object_list

    @pytest.mark.parametrize("words", ["\x00", "a" * 200, "%", "_", "<b>", "' OR 1=1", "\\"])
    def test_strange_words_find_nobody_and_break_nothing(self, nurse, ben, words):
        page = nurse.get("/staff/patients/", {"q": words})
        assert page.status_code == (400 if "\x00" in words else 200)
        assert "<b>" not in page.content.decode()

    def test_thirty_people_take_as_many_queries_as_one(self, nurse, harbor, rosa, ben):
        with CaptureQueriesContext(connection) as one:
            nurse.get("/staff/patients/", {"q": "ex"})
        for _n in range(29):
            make_patient(harbor, rosa, "Abe")
        with CaptureQueriesContext(connection) as thirty:
            page = nurse.get("/staff/patients/", {"q": "ex"})
        assert "?q=ex&amp;page=2" in page.content.decode()
        assert len(one) == len(thirty) <= 8


class TestPatientPage:
    def test_it_says_who_it_is(self, nurse, ben):
        page = text(nurse.get(f"/staff/patients/{ben.pk}/"))
        for words in ("Ben Example", "March 27, 1985 (40)", ben.record_number, "English"):
            assert words in page

    def test_it_shows_the_state_that_the_patient_sees(self, nurse, ben):
        page = nurse.get(f"/staff/patients/{ben.pk}/")
        assert page.context["state"].letter == "E"
        same = nurse.get(f"/staff/patients/{ben.pk}/as-patient/")
        assert "You see the page as <strong>Ben</strong> sees it." in text(same)
        assert same.context["state"] == page.context["state"]

    def test_without_an_address_it_says_call(self, nurse, harbor, rosa):
        patient = make_patient(harbor, rosa, "Abe", email="", phone="(555) 010-0101")
        page = text(nurse.get(f"/staff/patients/{patient.pk}/"))
        assert "No email on file: call instead." in page
        assert 'href="tel:5550100101"' in page

    def test_who_wants_no_reminders_is_called(self, nurse, harbor, rosa):
        patient = make_patient(harbor, rosa, "Abe", wants_reminders=False)
        assert "Wants no reminders" in text(nurse.get(f"/staff/patients/{patient.pk}/"))

    @pytest.mark.parametrize(
        ("prepare", "words"),
        [
            (lambda course, nurse: None, "Book the next visit"),
            (lambda course, nurse: book(course, nurse, TODAY + days(29)), "Record an infusion"),
            (
                lambda course, nurse: give(course, nurse, TODAY, 250, now=NOW, outcome="partial"),
                "Decide what counts next",
            ),
        ],
    )
    def test_one_next_step_is_filled(self, nurse, rosa, ben, prepare, words):
        prepare(ben.course, rosa)
        page = nurse.get(f"/staff/patients/{ben.pk}/")
        assert page.content.decode().count("btn-primary") == 1
        assert page.context["steps"][0][1] == words

    def test_a_stopped_course_offers_only_a_restart(self, nurse, rosa, ben):
        actions.stop_course(
            course=ben.course, actor=rosa, now=NOW, stopped_on=TODAY, reason=StopReason.MOVED
        )
        page = nurse.get(f"/staff/patients/{ben.pk}/")
        assert [words for _url, words in page.context["steps"]] == ["Restart treatment"]
        assert "No more infusions planned" in text(page)

    def test_a_visit_of_yesterday_is_marked(self, nurse, rosa, ben):
        book(ben.course, rosa, TODAY - days(1), now=NOW - days(5))
        assert "Not recorded" in text(nurse.get(f"/staff/patients/{ben.pk}/"))

    def test_a_long_history_takes_no_more_queries(self, nurse, rosa, priya, ben):
        with CaptureQueriesContext(connection) as short:
            nurse.get(f"/staff/patients/{ben.pk}/")
        for number in range(9):
            actor = (rosa, priya)[number % 2]
            give(ben.course, actor, dt.date(2016, 3, 1) + days(183 * number))
        book(ben.course, priya, TODAY + days(29))
        book(ben.course, rosa, TODAY + days(40))
        with CaptureQueriesContext(connection) as long:
            nurse.get(f"/staff/patients/{ben.pk}/")
        assert len(short) + 2 >= len(long) <= 17

    def test_names_are_text_not_markup(self, nurse, harbor, rosa):
        patient = make_patient(harbor, rosa, "<i>Abe</i>")
        for page in ("", "record/", "book/", "change/", "as-patient/"):
            shown = nurse.get(f"/staff/patients/{patient.pk}/{page}").content.decode()
            assert "<i>Abe" not in shown, page
