"""Correcting a record on the pages: what it changes is shown first, nothing is lost."""

import datetime as dt
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schedules import actions
from schedules.models import Appointment, Correction, DateMove, Infusion
from tests.cast import NOW, TODAY, book, days, give, signed_in

from .test_views_record import kept, other_date, text

DAY = dt.date(2025, 10, 10)  # of Ben's infusion


def answers(**changes) -> dict[str, str]:
    """What the form sends for Ben's infusion as it is."""
    return {
        **other_date(10, 10, 2025),
        "dose_mg_choice": "600",
        "dose_mg_mg": "",
        "outcome": "completed",
        "reaction": "",
        "why": "typing",
        "words": "",
        "revision": "0",
        "entry_key": str(uuid.uuid4()),
    } | changes


@pytest.fixture
def infusion(clock, ben) -> Infusion:
    return ben.course.infusions.get()


@pytest.fixture
def address(ben, infusion) -> str:
    return f"/staff/patients/{ben.pk}/infusions/{infusion.pk}/correct/"


@pytest.fixture
def void(ben, infusion) -> str:
    return f"/staff/patients/{ben.pk}/infusions/{infusion.pk}/void/"


@pytest.fixture
def nurse(rosa):
    return signed_in(rosa)


class TestTheForm:
    def test_it_is_filled_in_with_the_record(self, nurse, address, infusion):
        Infusion.objects.update(lot="AB1234", note="Slept well", reaction="mild")
        form = nurse.get(address).context["form"]
        shown = {name: form[name].value() for name in ("given_on", "dose_mg", "lot", "note")}
        assert shown == {"given_on": DAY, "dose_mg": 600, "lot": "AB1234", "note": "Slept well"}
        assert (form["reaction"].value(), form["revision"].value()) == ("mild", 0)

    def test_the_rest_of_an_infusion_is_asked_about_only_where_it_can_be_one(self, nurse, address):
        assert "the rest of an infusion begun before" not in text(nurse.get(address))

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"why": ""}, "Choose why the record changes"),
            ({"why": "other"}, "Write the reason"),
            ({"why": "patient"}, "Mark this record as a mistake, then record"),
            ({"dose_mg_choice": "other", "dose_mg_mg": "0"}, "from 1 to 2000 mg"),
            ({"revision": "x"}, "This page was open for a long time"),
            ({"revision": ""}, "This page was open for a long time"),
            (other_date(3, 13, 2026), "The date given must be today or in the past"),
            ({}, "Nothing is changed yet. Change what was wrong, then save."),
        ],
    )
    def test_what_is_wrong_is_said_and_what_was_typed_is_kept(self, nurse, address, changes, words):
        page = nurse.post(address, answers(**changes))
        assert page.status_code == 200
        assert words in text(page)
        assert "There is a problem" in text(page)
        assert not Correction.objects.exists()

    def test_a_day_that_is_taken_is_refused(self, nurse, address, ben, rosa):
        give(ben.course, rosa, TODAY, now=NOW)
        page = nurse.post(address, answers(**other_date(3, 12, 2026)))
        assert "An infusion is already recorded for March 12, 2026." in text(page)

    def test_not_given_has_no_dose(self, nurse, address, infusion):
        sent = answers(outcome="not-done")
        nurse.post(address, kept(nurse.post(address, sent)) | {"answered": "1"})
        infusion.refresh_from_db()
        assert (infusion.outcome, infusion.dose_mg) == ("not-done", 0)

    def test_a_month_that_is_corrected_to_a_day_is_known(self, nurse, ben, rosa, address):
        Infusion.objects.update(elsewhere=True, day_known=False)
        sent = answers(**other_date(10, 14, 2025))
        nurse.post(address, kept(nurse.post(address, sent)) | {"answered": "1"})
        assert Infusion.objects.get().day_known


class TestTheCheck:
    @pytest.fixture
    def check(self, nurse, address):
        return nurse.post(address, answers(lot="AB1234", **other_date(10, 2, 2025)))

    def test_before_after_and_the_effect_are_shown_and_nothing_is_saved(self, check):
        page = text(check)
        assert '<td data-label="Before"><span>October 10, 2025</span></td>' in page
        assert '<td data-label="After"><strong>October 2, 2025</strong></td>' in page
        assert "Next due changes from April 10, 2026 to April 2, 2026." in page
        assert not Correction.objects.exists()
        assert Infusion.objects.get().given_on == DAY

    def test_saving_says_what_is_next(self, check, nurse, address):
        page = nurse.post(address, kept(check) | {"answered": "1", "tell": "1"}, follow=True)
        assert "Saved. Ben's next infusion is due around April 2, 2026." in text(page)
        assert Infusion.objects.get().given_on == dt.date(2025, 10, 2)
        assert DateMove.objects.get().tell_patient

    def test_the_patient_is_not_written_to_where_the_box_is_empty(self, check, nurse, address):
        assert "Email Ben the new date, if we had told the old one" in text(check)
        nurse.post(address, kept(check))
        assert not DateMove.objects.get().tell_patient

    def test_nobody_is_asked_about_a_mail_that_cannot_be_sent(self, nurse, address, ben):
        ben.email = ""
        ben.save()
        page = nurse.post(address, answers(**other_date(10, 2, 2025)))
        assert "Email Ben" not in text(page)

    def test_a_second_tap_corrects_once(self, check, nurse, address):
        for _tap in range(2):
            page = nurse.post(address, kept(check), follow=True)
        assert "Already saved. We kept one copy." in text(page)
        assert Correction.objects.count() == 1

    def test_the_back_button_to_the_form_shows_no_check_again(self, check, nurse, address):
        nurse.post(address, kept(check))
        again = {name: value for name, value in kept(check).items() if name != "answered"}
        assert "Already saved." in text(nurse.post(address, again, follow=True))

    def test_going_back_keeps_every_answer(self, check, nurse, address):
        page = nurse.post(address, kept(check) | {"fix": "1"})
        assert page.context["form"]["lot"].value() == "AB1234"
        assert not Correction.objects.exists()

    def test_what_is_unusual_about_it_is_asked(self, nurse, address, ben, rosa):
        give(ben.course, rosa, TODAY, now=NOW)
        page = nurse.post(address, answers(**other_date(11, 20, 2025)))
        assert "The infusion on March 12, 2026 would then be only" in text(page)

    def test_a_life_threatening_reaction_says_what_it_ends(self, nurse, address, ben, rosa):
        book(ben.course, rosa, dt.date(2026, 4, 10))
        page = text(nurse.post(address, answers(reaction="life-threatening")))
        assert "Treatment stops for good because of the life-threatening reaction." in page
        assert "The visit on April 10, 2026 is cancelled." in page
        assert "Email Ben" not in page

    def test_taking_it_away_says_that_treatment_goes_on(self, nurse, ben, rosa, address):
        infusion = Infusion.objects.get()
        facts = {"now": NOW, "revision": 0, "reason": "x", "reaction": "life-threatening"}
        actions.correct_infusion(infusion=infusion, actor=rosa, **facts)
        sent = answers(revision="1")
        check = nurse.post(address, sent)
        said = "Treatment goes on: it had stopped because of this reaction."
        assert said in text(check)
        assert said in text(nurse.post(address, kept(check), follow=True))


class TestTheOthersVersion:
    @pytest.fixture
    def clash(self, nurse, address, infusion, priya):
        facts = {"now": NOW, "revision": 0, "reason": "x", "dose_mg": 300}
        actions.correct_infusion(infusion=infusion, actor=priya, **facts)
        return nurse.post(address, answers(lot="AB1234"))

    def test_it_is_shown_beside_what_was_typed(self, clash):
        page = text(clash)
        said = "Priya changed this at 11:00 a.m. Check that version, then save yours."
        assert said in page
        assert '<td data-label="Recorded now"><span>300 mg</span></td>' in page
        assert '<td data-label="Yours"><strong>600 mg</strong></td>' in page
        assert clash.context["form"]["lot"].value() == "AB1234"

    def test_saving_again_goes_on_top_of_it(self, clash, nurse, address, infusion):
        assert clash.context["form"]["revision"].value() == "1"
        check = nurse.post(address, answers(lot="AB1234", dose_mg_choice="300", revision="1"))
        nurse.post(address, kept(check))
        infusion.refresh_from_db()
        assert (infusion.dose_mg, infusion.lot, infusion.revision) == (300, "AB1234", 2)

    def test_a_change_during_the_check_is_seen_too(self, nurse, address, infusion, priya):
        check = nurse.post(address, answers(lot="AB1234"))
        facts = {"now": NOW, "revision": 0, "reason": "x", "dose_mg": 300}
        actions.correct_infusion(infusion=infusion, actor=priya, **facts)
        assert "Priya changed this" in text(nurse.post(address, kept(check)))
        assert Correction.objects.count() == 1

    def test_a_mistake_marked_meanwhile_is_said(self, nurse, address, void, infusion):
        nurse.post(void, answers(why="patient"))
        assert "marked as a mistake" in text(nurse.post(address, answers(lot="AB1234")))
        assert "marked as a mistake" in text(nurse.get(address, follow=True))


class TestMarkingAMistake:
    def test_the_effect_is_shown_first(self, nurse, void, infusion):
        page = text(nurse.get(void))
        assert "Next due was April 10, 2026. There will be no next date for now." in page
        assert Infusion.objects.get().voided_at is None

    def test_it_is_struck_through_and_says_why(self, nurse, void, ben):
        page = text(nurse.post(void, answers(why="other", words="Given to nobody"), follow=True))
        assert "The record is marked as a mistake. It stays in the history." in page
        assert '<s>October 10, 2025</s> <span class="undone">A mistake</span>' in page
        assert "Given to nobody." in page

    def test_the_right_patient_is_not_forgotten(self, nurse, void):
        page = nurse.post(void, answers(why="patient"), follow=True)
        assert "Record the infusion for the right patient now." in text(page)

    def test_a_second_tap_says_so(self, nurse, void):
        sent = answers(why="patient")
        nurse.post(void, sent, follow=True)
        assert "Already saved." in text(nurse.post(void, sent, follow=True))
        assert "marked as a mistake" in text(nurse.post(void, answers(), follow=True))

    def test_a_reason_is_needed(self, nurse, void):
        assert "Choose why the record changes" in text(nurse.post(void, answers(why="")))
        assert Infusion.objects.get().voided_at is None

    def test_somebody_elses_version_is_shown_first(self, nurse, void, infusion, priya):
        facts = {"now": NOW, "revision": 0, "reason": "x", "dose_mg": 300}
        actions.correct_infusion(infusion=infusion, actor=priya, **facts)
        page = nurse.post(void, answers())
        assert "Priya changed this" in text(page)
        assert "300 mg" in text(page)
        nurse.post(void, answers(revision="1"))
        assert Infusion.objects.get().voided_at

    def test_a_visit_comes_back(self, nurse, void, ben, rosa):
        Appointment.objects.create(
            course=ben.course,
            starts_at=NOW + days(20),
            status="cancelled",
            closed_by=Infusion.objects.get(),
            booked_by=rosa,
            booked_at=NOW - days(300),
        )
        assert "The visit on April 1, 2026 is booked again." in text(nurse.get(void))


class TestThePatientsPage:
    def test_what_was_corrected_is_told_with_the_record(self, nurse, ben, infusion, priya):
        facts = {"now": NOW, "revision": 0, "reason": "Typing mistake", "dose_mg": 300}
        actions.correct_infusion(infusion=infusion, actor=priya, **facts)
        page = text(nurse.get(f"/staff/patients/{ben.pk}/"))
        said = "<strong>March 12, 2026, Priya:</strong> Typing mistake. Dose: 600 mg → 300 mg."
        assert said in page

    def test_every_record_that_counts_can_be_corrected(self, nurse, ben, address, rosa):
        undone = give(ben.course, rosa, TODAY, now=NOW).infusion
        actions.undo_infusion(infusion=undone, actor=rosa, now=NOW)
        page = nurse.get(f"/staff/patients/{ben.pk}/").content.decode()
        assert f'href="{address}"' in page
        assert f"/infusions/{undone.pk}/correct/" not in page

    def test_details_and_reactions_are_shown(self, nurse, ben, infusion):
        Infusion.objects.update(
            reaction="mild", reaction_response="Slower", started_at="09:00", rate="option-1"
        )
        page = text(nurse.get(f"/staff/patients/{ben.pk}/"))
        for words in ("Reaction: Mild", "Slower", "Started at 9:00 a.m.", "Usual (Option 1)"):
            assert words in page

    def test_what_is_half_known_is_said_to_staff_and_patient(self, nurse, ben, infusion):
        Infusion.objects.update(elsewhere=True, day_known=False)
        page = text(nurse.get(f"/staff/patients/{ben.pk}/"))
        assert "Only the month is known." in page
        home = text(signed_in(ben.user).get("/home/"))
        assert '<time datetime="2025-10">October 2025</time>' in home
        assert "Told by you or another clinic. A nurse has not checked it yet." in home

    def test_its_queries_do_not_grow_with_corrections(self, nurse, ben, infusion, priya):
        address = f"/staff/patients/{ben.pk}/"
        facts = {"infusion": infusion, "actor": priya, "now": NOW, "reason": "x"}
        actions.correct_infusion(**facts, revision=0, dose_mg=300)
        with CaptureQueriesContext(connection) as one:
            nurse.get(address)
        for revision in (1, 2, 3):
            actions.correct_infusion(**facts, revision=revision, dose_mg=300 + revision)
        with CaptureQueriesContext(connection) as four:
            nurse.get(address)
        assert len(one) == len(four)


@pytest.mark.parametrize("page", ["correct", "void"])
class TestStrangers:
    def test_they_find_nothing(self, infusion, ben, nils, mallory, page):
        address = f"/staff/patients/{ben.pk}/infusions/{infusion.pk}/{page}/"
        for user in (nils, mallory, ben.user):
            assert signed_in(user).get(address).status_code == 404
            assert signed_in(user).post(address, answers()).status_code == 404
        assert not Correction.objects.exists()

    def test_another_patients_record_is_not_found(self, nurse, infusion, carla, page):
        assert (
            nurse.get(f"/staff/patients/{carla.pk}/infusions/{infusion.pk}/{page}/").status_code
            == 404
        )
