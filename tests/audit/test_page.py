"""The trail on pages: in sentences for those who may, by role for the patient."""

import csv
import datetime as dt
import io
import re

import pytest
from django.urls import reverse

from ocrevus_tracker.accounts.models import Role
from ocrevus_tracker.audit import bulk_reading, trail
from ocrevus_tracker.audit.models import Entry
from ocrevus_tracker.audit.sealing import seal
from schedules import actions
from schedules.spreadsheets import as_csv, plain, safe
from tests.cast import NOW, TODAY, days, make_staff, signed_in

PAGE, CSV = reverse("staff:trail"), reverse("staff:export_trail")
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\x00=1", " =1", "'=1", "a\n=1", '"']


def text(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.fixture
def amy(harbor):
    """She runs Harbor Clinic."""
    return make_staff(harbor, "Amy", Role.ADMIN)


@pytest.fixture
def admin(clock, amy):
    return signed_in(amy)


@pytest.fixture
def corrected(ben, rosa):
    infusion = ben.course.infusions.get()
    actions.correct_infusion(
        infusion=infusion, actor=rosa, now=NOW, revision=0, reason="typing mistake", dose_mg=300
    )
    return infusion


class TestASentence:
    def test_says_who_changed_what_from_what_to_what_and_why(self, admin, corrected):
        told = text(admin.get(PAGE))
        assert "Rosa changed dose from 600 mg to 300 mg. Reason: typing mistake." in told
        assert "March 12, 2026, 11:00 a.m." in told  # by the clinic's clock

    def test_says_what_was_looked_at(self, admin, amy, ben):
        admin.get(reverse("staff:patient", args=[ben.pk]))
        assert "Amy opened the record." in text(admin.get(PAGE))

    def test_has_words_for_days_choices_and_checks(self, admin, rosa, ben):
        actions.start_hold(
            course=ben.course, actor=rosa, now=NOW, reason="infection", starts_on=TODAY
        )
        told = text(admin.get(PAGE))
        assert "Rosa put infusions on hold: from March 12, 2026." in told

    def test_does_not_name_a_patient_who_acts(self, admin, ben):
        signed_in(ben.user).get(reverse("patient:home"))
        told = text(admin.get(PAGE))
        assert "The patient opened the next date." in told
        assert ben.email not in told

    def test_says_that_the_details_are_gone(self, admin, amy, harbor, corrected, ben):
        trail.erase(at=NOW, actor=amy, clinic=harbor, patient_id=ben.pk)
        told = text(admin.get(PAGE))
        assert "typing mistake" not in told
        assert "The details were erased." in told


class TestWho:
    @pytest.mark.parametrize("address", [PAGE, CSV])
    def test_only_the_administrator_and_auditors_come_in(self, clock, harbor, ben, address):
        answers = {}
        for role in Role.values:
            person = make_staff(harbor, f"x{role}", role)
            answers[role] = signed_in(person).get(address).status_code
        allowed = {role for role, status in answers.items() if status == 200}
        assert allowed == {"admin", "auditor"}

    def test_sees_nothing_of_another_clinic(self, clock, hill, corrected, nils):
        other = signed_in(make_staff(hill, "Olga", Role.ADMIN))
        told = text(other.get(PAGE))
        assert "Rosa" not in told
        assert other.get(PAGE, {"clinic": "harbor-clinic"}).status_code == 404

    def test_sees_the_sign_ins_of_the_clinics_own_people(self, admin, rosa, nils):
        trail.record_sign_in(at=NOW, user=rosa, event="sign in")
        trail.record_sign_in(at=NOW, user=nils, event="sign in")
        told = text(admin.get(PAGE))
        assert "Rosa signed in." in told
        assert "Nils" not in told


class TestTheFilter:
    def test_finds_a_person(self, admin, corrected, rosa, priya):
        told = text(admin.get(PAGE, {"person": priya.pk}))
        assert "Rosa changed dose" not in told
        assert "Rosa changed dose" in text(admin.get(PAGE, {"person": rosa.pk}))

    def test_finds_a_patient_on_lists_too(self, admin, ana, ben):
        admin.get(reverse("staff:patients"))
        told = text(admin.get(PAGE, {"record_number": ana.record_number}))
        assert "Amy looked at the list of patients, 2 patients." in told
        assert "Rosa added the patient." in told
        assert "Rosa recorded an infusion" not in told  # that was Ben's

    def test_tells_of_a_number_that_nobody_has(self, admin):
        answer = admin.get(PAGE, {"record_number": "nobody"})
        assert "No record has this number" in text(answer)

    @pytest.mark.parametrize(
        ("act", "there"), [("changes", True), ("reading", False), ("correct infusion", True)]
    )
    def test_finds_an_act(self, admin, corrected, act, there):
        assert ("Rosa changed dose" in text(admin.get(PAGE, {"act": act}))) is there

    @pytest.mark.parametrize(("day", "there"), [(TODAY, True), (TODAY + days(1), False)])
    def test_finds_days_by_the_clinics_calendar(self, admin, corrected, day, there):
        asked = {"first_month": day.month, "first_day": day.day, "first_year": day.year}
        told = text(admin.get(PAGE, asked))
        assert ("Rosa changed dose" in told) is there
        assert ("No changes in these dates." in told) is not there

    @pytest.mark.parametrize(
        "asked",
        [
            {"person": "x"},
            {"act": "'; DROP TABLE"},
            {"before": "9" * 40},
            {"before": "-1"},
            {"before": "²"},
            {"first_month": "13", "first_day": "1", "first_year": "2026"},
        ],
    )
    def test_takes_any_question(self, admin, corrected, asked):
        for address in (PAGE, CSV):
            assert admin.get(address, asked).status_code == 200


def test_older_entries_are_a_page_away_and_none_comes_twice(admin, harbor):
    for number in range(120):
        trail.record(
            at=NOW,
            actor=None,
            clinic=harbor,
            act="recompute",
            subject=harbor,
            reason=f"no {number},",
        )
    seen, address = [], PAGE
    while address:
        told = admin.get(address).content.decode()
        seen += re.findall(r"Reason: no (\d+),", told)
        older = re.search(r'href="(\?[^"]*before=\d+)"', told)
        address = older and PAGE + older[1].replace("&amp;", "&")
    assert [int(one) for one in seen] == list(range(119, -1, -1))


class TestTheTable:
    def test_has_what_the_page_has_and_is_itself_on_the_trail(self, admin, amy, corrected, ben):
        answer = admin.get(CSV)
        rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
        row = next(one for one in rows if "300 mg" in one["What"])
        assert row["What"] == "changed dose from 600 mg to 300 mg"
        assert (row["Who"], row["Role"], row["Reason"]) == ("Rosa", "Nurse", "typing mistake")
        assert (row["Record number"], row["Time"]) == (
            ben.record_number,
            "2026-03-12 11:00:00-04:00",
        )
        assert Entry.objects.get(act=trail.EXPORT).actor == amy

    def test_runs_no_formula(self, admin, rosa, ben):
        actions.correct_infusion(
            infusion=ben.course.infusions.get(),
            actor=rosa,
            now=NOW,
            revision=0,
            reason='=HYPERLINK("http://x.test")',
            dose_mg=300,
        )
        told = b"".join(admin.get(CSV)).decode()
        assert "\"'=HYPERLINK(" in told

    @pytest.mark.parametrize("cell", FORMULAS)
    def test_gives_each_cell_back_as_it_was(self, cell):
        told = "".join(as_csv(["head"], [[cell]])).removeprefix("\ufeff")
        read = list(csv.reader(io.StringIO(told, newline="")))[1][0]
        assert plain(read) == cell
        assert not re.match(r"[=+\-@\t\r\x00]|\s+[=+\-@]", read)

    def test_leaves_plain_words_alone(self):
        assert safe("March 12") == "March 12"


class TestTheAlarm:
    @pytest.fixture
    def reads(self, harbor, rosa):
        def read(count: int, **fields) -> None:
            for number in range(count):
                trail.record_view(
                    **{"at": NOW, "actor": rosa, "role": "nurse", "clinic": harbor}
                    | {"page": "staff:patient", "patient_id": number + 1}
                    | fields
                )

        return read

    def test_comes_after_three_hundred_records_in_an_hour_and_once(self, admin, reads, rosa):
        reads(301)
        seal(now=NOW)
        seal(now=NOW)
        noted = Entry.objects.get(act=bulk_reading.ACT)
        assert (noted.actor, noted.reason) == (rosa, "301 records within an hour")
        assert "Somebody opened more than 300 records" in text(admin.get(PAGE))

    def test_does_not_come_before(self, reads):
        reads(300)
        reads(300)  # the same ones again
        reads(50, at=NOW - dt.timedelta(hours=2), patient_id=1000)
        seal(now=NOW)
        assert not Entry.objects.filter(act=bulk_reading.ACT).exists()


class TestAPatient:
    def test_sees_who_looked_by_role_and_never_by_name(self, clock, admin, rosa, ben):
        for _each in range(2):
            signed_in(rosa).get(reverse("staff:patient", args=[ben.pk]))
        admin.get(reverse("staff:patient", args=[ben.pk]))
        told = text(signed_in(ben.user).get(reverse("patient:looked")))
        assert "A nurse March 12, 2026 , 2 times" in told
        assert "You March 12, 2026" in told
        for name in ("Rosa", "Amy"):
            assert name not in told

    def test_sees_nothing_of_others(self, clock, rosa, ana, ben):
        signed_in(rosa).get(reverse("staff:patient", args=[ana.pk]))
        answer = signed_in(ben.user).get(reverse("patient:looked"), {"record": ana.pk})
        assert "A nurse" not in text(answer)

    def test_of_nobody_has_no_such_page(self, clock, mallory):
        assert signed_in(mallory).get(reverse("patient:looked")).status_code == 404
