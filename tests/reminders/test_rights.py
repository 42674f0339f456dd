"""Patients take their data away, ask for a correction or to be deleted; the clinic answers."""

import csv
import io
import json

import pytest
from django.apps import apps
from django.db import models

from ocrevus_tracker.accounts.models import Role, User
from ocrevus_tracker.audit.models import Entry
from reminders import erasing, outbox, own_data
from reminders.models import DeadAddress, Helper, Preference, Reminder, State
from schedules import actions
from schedules.models import ClinicRules, Infusion, Patient, PatientRequest, StopReason
from tests.cast import NOW, TODAY, days, give, make_patient, make_staff, signed_in
from tests.tenants import tenant_models

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def ada(harbor) -> User:
    return make_staff(harbor, "Ada", Role.ADMIN)


@pytest.fixture
def hal(ben) -> Helper:
    return Helper.objects.create(
        patient=ben, name="Hal Helper", email="hal@example.org", invited_at=NOW, accepted_at=NOW
    )


def mail(patient, **fields) -> Reminder:
    facts = {
        "patient": patient,
        "course": patient.course,
        "kind": "book-1",
        "due_on": TODAY,
        "next_at": NOW,
        "not_after": NOW + days(7),
        "state": State.ACCEPTED,
        "message_id": f"mark-{patient.pk}",
        "accepted_at": NOW - days(1),
        "subject": "A reminder",
        "body_text": "The words of a mail",
    } | fields
    return Reminder.objects.create(**facts)


def stop(patient, actor) -> None:
    actions.stop_course(
        course=patient.course,
        actor=actor,
        now=NOW,
        stopped_on=TODAY,
        reason=StopReason.PATIENT,
        note="",
    )


class TestTaking:
    def test_all_is_there_and_only_ones_own(self, ben, carla, rosa, hal):
        give(ben.course, rosa, TODAY - days(1), lot="LOT-OF-BEN")
        mail(ben)
        mail(carla, body_text="The words for Carla")
        answer = signed_in(ben.user).get("/my/data/json/")
        assert answer["Content-Disposition"] == 'attachment; filename="my-data.json"'
        assert answer["Cache-Control"].find("no-store") >= 0
        told = json.loads(answer.content)
        assert len(told["Infusions"]) == 2
        assert told["Infusions"][1]["lot"] == "LOT-OF-BEN"
        assert told["Emails"][0]["body text"] == "The words of a mail"
        assert told["People who help you"][0]["name"] == "Hal Helper"
        assert told["You"][0]["first name"] == "Ben"
        whole = answer.content.decode()
        assert "Carla" not in whole
        assert "Rosa" not in whole, "staff are told by role"
        assert {one["role"] for one in told["Who did what with your record"]} >= {"nurse"}

    def test_every_table_about_a_patient_is_in_it(self):
        inside = {model for _title, model, _way in own_data.SECTIONS}
        # What the clinic decides for all, who works there, and the trail's own words and seals.
        aside = {
            "accounts_membership",
            "accounts_staffinvitation",
            "audit_detail",
            "reminders_policy",
            "reminders_staffpreference",
            "schedules_checkinterval",
            "schedules_clinicrules",
            "schedules_closure",
        }
        assert {m for t, m in tenant_models().items() if t not in aside} == inside

    def test_what_is_left_out_is_nobodys_words(self):
        for model in {model for _title, model, _way in own_data.SECTIONS}:
            for field in model._meta.concrete_fields:
                if field.name in own_data.LEFT_OUT:
                    assert not isinstance(field, (models.DateField, models.JSONField)) or (
                        field.name in {"lease_until", "next_at", "not_after"}
                    )

    def test_a_spreadsheet_gets_the_same(self, ben):
        answer = signed_in(ben.user).get("/my/data/csv/")
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert rows[0] == ["Section", "Number", "What", "Says"]
        assert ["You", "1", "first name", "Ben"] in rows

    @pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\0=1"])
    def test_no_cell_is_a_formula(self, cell):
        assert own_data.harmless(cell) == f"'{cell}"
        text = own_data.as_csv({"You": [{"note": f'{cell}"\n,'}]})
        [_head, row] = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
        assert row[3].removeprefix("'") == f'{cell}"\n,'

    def test_it_goes_on_the_trail(self, ben):
        signed_in(ben.user).get("/my/data/json/")
        entry = Entry.objects.get(act="export")
        assert (entry.actor, entry.patient_id, entry.role) == (ben.user, ben.pk, "patient")

    @pytest.mark.parametrize("kind", ["json", "csv"])
    def test_nobody_takes_anothers(self, ben, carla, mallory, rosa, kind):
        for user in (carla.user, mallory, rosa):
            answer = signed_in(user).get(f"/my/data/{kind}/", {"record": ben.pk})
            assert answer.status_code == 404


class TestAsking:
    def test_a_correction_reaches_the_list_and_is_answered(self, ben, rosa):
        patient, nurse = signed_in(ben.user), signed_in(rosa)
        sent = patient.post("/my/data/correct/", {"words": "My name is Benn"}, follow=True)
        assert "Waiting for the clinic" in sent.content.decode()
        assert "Asks for a correction" in nurse.get("/staff/?list=check").content.decode()
        [asked] = PatientRequest.objects.all()
        page = nurse.get(f"/staff/patients/{ben.pk}/requests/").content.decode()
        assert "My name is Benn" in page
        address = f"/staff/patients/{ben.pk}/requests/{asked.pk}/"
        assert nurse.post(address, {"words": "It is put right"}).status_code == 302
        assert "Asks for a correction" not in nurse.get("/staff/?list=check").content.decode()
        assert "It is put right" in patient.get("/my/data/").content.decode()
        again = nurse.post(address, {"words": "Too late"}, follow=True)
        assert "answered already" in again.content.decode()
        asked.refresh_from_db()
        assert asked.answer == "It is put right"

    def test_a_second_tap_is_one_request(self, ben):
        client = signed_in(ben.user)
        for _tap in range(2):
            client.post("/my/data/delete/", {"words": ""})
        assert PatientRequest.objects.count() == 1

    def test_a_correction_needs_words(self, ben):
        page = signed_in(ben.user).post("/my/data/correct/", {"words": " "})
        assert "Write a few words" in page.content.decode()

    def test_who_has_stopped_is_on_the_list_once(self, ben, rosa):
        stop(ben, rosa)
        signed_in(ben.user).post("/my/data/delete/", {"words": ""})
        page = signed_in(rosa).get("/staff/?list=check").content.decode()
        assert page.count("Asks to be deleted") == 1

    def test_the_patient_reads_what_is_kept_and_why(self, ben, harbor):
        ClinicRules.objects.create(clinic=harbor, keep_years=7, keep_because="Made-up Act, §1")
        page = signed_in(ben.user).get("/my/data/delete/").content.decode()
        assert "7 years after your last infusion" in page
        assert "Made-up Act, §1" in page

    def test_the_clinic_decides_how_long(self, harbor, ada, rosa):
        client = signed_in(ada)
        form = client.get("/staff/clinic/keeping/").context["form"]
        answers = {"entry_key": str(form["entry_key"].value()), "keep_because": "A law"}
        assert (
            client.post("/staff/clinic/keeping/", answers | {"keep_years": "0"}).status_code == 200
        )
        assert (
            client.post("/staff/clinic/keeping/", answers | {"keep_years": "7"}).status_code == 302
        )
        rules = ClinicRules.objects.get(clinic=harbor)
        assert (rules.keep_years, rules.keep_because) == (7, "A law")
        assert signed_in(rosa).get("/staff/clinic/keeping/").status_code == 403


class TestErasing:
    def test_within_the_years_the_treatment_record_stays(self, ben, rosa, ada, hal):
        mail(ben)
        Preference.objects.create(patient=ben, changed_at=NOW)
        DeadAddress.objects.create(patient=ben, email="hal@example.org", found_at=NOW)
        signed_in(ben.user).post("/my/data/delete/", {"words": ""})
        stop(ben, rosa)
        client, user = signed_in(ada), ben.user
        page = client.get(f"/staff/patients/{ben.pk}/erase/").content.decode()
        assert "October 10, 2035" in page
        assert client.post(f"/staff/patients/{ben.pk}/erase/", {}).status_code == 200
        done = client.post(f"/staff/patients/{ben.pk}/erase/", {"sure": "on"})
        assert done.status_code == 302

        ben.refresh_from_db()
        assert (ben.email, ben.phone, ben.user, ben.wants_reminders) == ("", "", None, False)
        assert Infusion.objects.filter(course__patient=ben).exists()
        for model in (Helper, Preference, DeadAddress):
            assert not model.objects.exists()
        assert set(Reminder.objects.values_list("subject", "body_text")) <= {("", "")}
        assert "2035" in PatientRequest.objects.get().answer
        user.refresh_from_db()
        assert not user.is_active
        assert "ben" not in user.email

    def test_after_them_all_goes_and_the_trail_keeps_no_word(self, ben, rosa, ada):
        actions.change_patient(patient=ben, changed=["phone"], actor=rosa, now=NOW)
        stop(ben, rosa)
        Infusion.objects.update(given_on=TODAY - days(365 * 12))
        mail(ben)
        pk, user = ben.pk, ben.user
        answer = signed_in(ada).post(f"/staff/patients/{pk}/erase/", {"sure": "on"})
        assert answer.status_code == 302
        assert not Patient.objects.filter(pk=pk).exists()
        assert not Reminder.objects.exists()
        about = Entry.objects.filter(patient_id=pk)
        assert {"delete record", "erase details", "add patient"} <= set(
            about.values_list("act", flat=True)
        )
        for entry in about:
            assert not entry.changes
            assert not entry.reason
        user.refresh_from_db()
        assert not user.is_active

    def test_no_mail_comes_after(self, ben, rosa, ada, mailoutbox, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        mail(ben, state=State.PLANNED, message_id=None, accepted_at=None)
        stop(ben, rosa)
        erasing.erase_record(patient=ben, actor=ada, now=NOW)
        outbox.plan(now=NOW + days(1))
        assert not Reminder.objects.filter(state=State.PLANNED).exists()
        assert mailoutbox == []

    def test_who_was_never_treated_goes_at_once(self, ana, rosa, ada):
        stop(ana, rosa)
        assert erasing.erase_record(patient=ana, actor=ada, now=NOW).whole
        assert not Patient.objects.exists()

    def test_a_shared_address_still_signs_the_other_in(self, ana, harbor, rosa, ada):
        partner = make_patient(harbor, rosa, "Abe", email=ana.email)
        stop(ana, rosa)
        erasing.erase_record(patient=ana, actor=ada, now=NOW)
        partner.user.refresh_from_db()
        assert partner.user.is_active
        assert partner.user.email == partner.email

    def test_not_while_treatment_goes_on(self, ben, ada):
        page = signed_in(ada).post(f"/staff/patients/{ben.pk}/erase/", {"sure": "on"})
        assert "Stop them first" in page.content.decode()
        ben.refresh_from_db()
        assert ben.email

    def test_not_just_after_a_mail(self, ben, rosa, ada):
        stop(ben, rosa)
        mail(ben, accepted_at=NOW)
        with pytest.raises(erasing.UnableToErase, match="just gone out"):
            erasing.erase_record(patient=ben, actor=ada, now=NOW)

    def test_only_the_administrator_deletes(self, ben, rosa):
        stop(ben, rosa)
        with pytest.raises(erasing.UnableToErase, match="administrator"):
            erasing.erase_record(patient=ben, actor=rosa, now=NOW)
        assert signed_in(rosa).get(f"/staff/patients/{ben.pk}/erase/").status_code == 403


def test_no_table_about_a_patient_keeps_a_row_after_the_whole_record_went(ben, rosa, ada):
    stop(ben, rosa)
    mail(ben)
    Infusion.objects.update(given_on=TODAY - days(365 * 12))
    erasing.erase_record(patient=ben, actor=ada, now=NOW)
    for label in ("schedules", "reminders"):
        for model in apps.get_app_config(label).get_models():
            keys = [one.name for one in model._meta.concrete_fields if one.name == "patient"]
            assert not keys or not model._base_manager.exists(), model
